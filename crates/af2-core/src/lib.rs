//! Host facts of Audio Flamingo 2: configuration, weight formats, audio loading, prompt, tokenizer and sampling rules.
//!
//! Nothing here touches a GPU, a file system or a browser: bytes and closures come from above, so the crate is the
//! same on wasm and on the desktop.

pub mod audio;
pub mod config;
pub mod generation;
pub mod release;
pub mod sampling;
pub mod text;
pub mod trace;
pub mod weights;
