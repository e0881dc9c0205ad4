//! The engine as a browser sees it: thin wasm-bindgen classes over `af2-core` and `af2-model`.
//!
//! Everything that waits is a promise, everything large crosses the border in pieces of a few MiB, and every error is
//! a JavaScript `Error` with a stable `code`. The TypeScript package in `web/` gives this surface its friendly shape.
//! A class is freed by `free()`; freeing clips, model and engine gives the GPU's memory back.

mod audio;
mod clip;
mod engine;
mod failure;
mod hash;
mod loader;
mod model;
mod options;
mod picture;
mod shaders;

use wasm_bindgen::prelude::*;

/// Runs once when the module is instantiated: panics become readable console messages.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
