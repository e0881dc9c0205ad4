//! The desktop front door of Audio Flamingo 2: files, terminals and exit codes around the portable crates.

pub mod asking;
pub mod batch;
pub mod bench;
pub mod commands;
pub mod convert;
pub mod cpu;
pub mod engine;
pub mod executor;
pub mod model_dir;
pub mod session;
pub mod synth;
pub mod tuning;
