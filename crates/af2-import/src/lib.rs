//! The wasm-bindgen interface of the importer: a release on a hub or in a local folder becomes a converted model in the browser.
//!
//! A module of its own beside `af2-web`: pages fetch it only when a model is imported. Reading, converting and packing are those of
//! `af2-convert`, so the shards are byte for byte those of `af2 convert`. The page's side, in `web/src/import`, reads files and
//! ranges, and stores what comes out.
//!
//! Memory is bounded by one block of weights and does not grow with the model.

mod convert;
mod failure;
mod files;
mod folder;
mod hub;
mod network;
mod output;

use wasm_bindgen::prelude::*;

/// Runs once when the module is instantiated: panics become readable console messages.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
