//! An index of audio: the encoder's tokens of hours of sound in one file, so that a search need not encode them again.
//!
//! # The file
//! All numbers are little-endian. A header, then records; records are only ever appended, and nothing before them changes.
//!
//! | part | content |
//! |---|---|
//! | header | `AF2INDEX`, version u32 (1), D u32, window seconds f64, hop seconds f64, SHA-256 of the model's index \[32\], length u32 and text of the options by which audio was read, checksum \[8\] |
//! | record | kind u8, length u32, content, checksum \[8\] |
//! | kind 1, file | bytes u64, modified u64 (seconds since 1970), name in UTF-8: the windows that follow are of this file |
//! | kind 2, window | start f64, seconds f64, peak f32, RMS f32 (dBFS), tokens f16 \[64, D\] |
//! | kind 3, end | nothing: the file was indexed to its end |
//!
//! A window takes 128·D bytes: 94 MB per hour of audio for the D of 2048 of the released 3B. Silent windows have no record.
//!
//! **Checksums** are chained: the first 8 bytes of SHA-256 of the checksum before and the record, so that a record that was changed, moved or
//! taken out is found. They guard against accidents, not against somebody who computes them anew.
//!
//! **Interrupted** writing leaves a part of a record at the end. [`IndexReader`] stops before it and says so; a writer cuts it off and goes
//! on. What does not fit anywhere else is damage, and refused. Of the last record alone the two cannot be told apart: it is cut off.
//!
//! A file of which the end is missing goes on with another file record of the same name.

mod error;
mod header;
mod reader;
mod record;
mod writer;

pub use error::AudioIndexError;
pub use header::IndexHeader;
pub use reader::IndexReader;
pub use record::{IndexRecord, IndexedFile, IndexedWindow};
pub use writer::IndexWriter;
