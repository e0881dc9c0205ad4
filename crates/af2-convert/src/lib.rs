//! Conversion of a published release of Audio Flamingo 2 to a model that loads here.
//!
//! A [`Release`] merges up to three checkpoints: the release's own chunks, a base language model, and the CLAP encoder.
//! [`layout`] finds every dimension in their tensor tables and plans the shards; [`Release::convert`] reads blocks of
//! rows, has them packed, and writes them. [`synth`] is a release of random weights.
//!
//! The crate opens no file and starts no thread, so it is the same in browsers. Bytes come from a [`Source`] (local
//! files, HTTP ranges, `File`s of a page) and leave through a [`Sink`]; [`Workers`] say on which threads blocks are
//! packed. Memory is bounded by the blocks in flight, of at most 1 Mi elements each: 4 MiB in float32.
//!
//! A conversion can be resumed: it gives the sink a small state to store after each 1/512 of the bytes
//! ([`Sink::checkpoint`]), and goes on from the last one ([`Sink::last_checkpoint`], [`Sink::reopen`]). It announces its reads to the
//! sources in order ([`Source::announce`]), which may fetch ahead.

mod checkpoint;
mod convert;
mod error;
mod language_model;
pub mod layout;
mod pack;
mod release;
mod sink;
mod source;
pub mod synth;
mod tensors;

pub use convert::Report;
pub use error::{ConvertError, StorageError};
pub use layout::{Block, ReleaseError, rotary_frequencies};
pub use pack::{Inline, PackedBlock, Workers};
pub use release::{Checkpoint, Inputs, Options, Release};
pub use sink::Sink;
pub use source::{LocalFuture, Source, TensorBytes};
