//! The native command line of Audio Flamingo 2: files, terminal and exit codes around the portable crates.
//!
//! Modules import downwards only: `commands` uses all others, `asking` and `bench` use `model`; all may use `terminal` and `open_file`.

#![warn(clippy::print_stdout, clippy::print_stderr)] // `terminal` prints

pub mod asking;
pub mod audio_file;
pub mod audio_index;
pub mod batch;
pub mod bench;
pub mod captioning;
pub mod commands;
pub mod convert;
pub mod evaluation;
pub mod hub;
pub mod model;
pub mod open_file;
pub mod panics;
pub mod searching;
pub mod serving;
pub mod terminal;
pub mod window_batch;
