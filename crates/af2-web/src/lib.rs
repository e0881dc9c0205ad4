//! The engine as a browser sees it: thin wasm-bindgen classes over `af2-core` and an engine.
//!
//! Which engine is the crate's feature: `webgpu` (`af2-model`) or `processor` (`af2-reference`). Each is a module of its own, so
//! that nobody fetches both.
//!
//! Everything that waits is a promise, everything large crosses the border in pieces of a few MiB, and every error is
//! a JavaScript `Error` with a stable `code`. The TypeScript package in `web/` gives this surface its friendly shape.
//! A class is freed by `free()`; freeing clips, model and engine gives the GPU's memory back.

#[cfg(not(any(feature = "webgpu", feature = "processor")))]
compile_error!("choose an engine: feature webgpu, or feature processor");

mod audio;
mod backend;
mod bench;
mod clip;
mod engine;
mod failure;
mod hash;
mod loader;
mod model;
mod options;
mod picture;
#[cfg(not(feature = "processor"))]
mod shaders;
#[cfg(feature = "processor")]
mod turn;

use wasm_bindgen::prelude::*;

/// Runs once when the module is instantiated: panics become readable console messages.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
