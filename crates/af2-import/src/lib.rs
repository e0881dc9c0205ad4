//! The wasm-bindgen interface of the importer: a release on a hub or in a local folder becomes a converted model in the browser.
//!
//! A module of its own beside `af2-web`: pages fetch it only when a model is imported.
