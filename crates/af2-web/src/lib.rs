//! The engine as a browser sees it: thin wasm-bindgen classes over `af2-core` and an engine.
//!
//! Which engine is the crate's feature: `webgpu` (`af2-model`) or `cpu` (`af2-cpu`). Each is a module of its own, so
//! that nobody fetches both.
//!
//! Everything that waits is a promise, everything large crosses the boundary in chunks of a few MiB, and every error is a JavaScript
//! `Error` with a stable `code`. The TypeScript package in `web/` wraps these classes. A class is freed by `free()`; freeing clips,
//! model and engine frees the GPU's memory.

#[cfg(not(any(feature = "webgpu", feature = "cpu")))]
compile_error!("choose an engine: feature webgpu, or feature cpu");

mod answer;
mod audio;
mod backend;
mod bench;
mod clip;
mod engine;
mod failure;
mod hash;
mod load;
mod loader;
mod long;
mod model;
mod page_file;
mod picture;
mod request;
mod rules;
#[cfg(not(feature = "cpu"))]
mod shaders;
mod together;
mod trust;
#[cfg(feature = "cpu")]
mod turn;

use wasm_bindgen::prelude::*;

/// Runs once when the module is instantiated: panics become readable console messages.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
