//! Indexes of audio on disk: what is in one, how it goes on, and the audio files of folders.

mod files;
mod output;
mod playlist;

pub use files::{audio_files, resolved, stored_name};
pub use output::IndexOutput;
pub use playlist::{as_csv, as_lines, as_m3u};
