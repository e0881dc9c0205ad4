//! The native command line of Audio Flamingo 2: files, terminal and exit codes around the portable crates.
//!
//! Modules import downwards only: `commands` uses all others, `asking` and `bench` use `model`, and `model` uses `terminal`.

pub mod asking;
pub mod audio_file;
pub mod batch;
pub mod bench;
pub mod commands;
pub mod convert;
pub mod hub;
pub mod model;
pub mod terminal;
