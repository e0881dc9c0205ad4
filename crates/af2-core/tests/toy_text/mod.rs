//! The toy checkpoint's text fixtures.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::PathBuf;

use af2_core::text::{BaseTokenizer, ExtendedTokenizer, Tokenizer};
use serde_json::Value;

/// Bytes of a file under `tests/fixtures`.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The golden cases under `key` of `text.json`.
pub fn cases(key: &str) -> Vec<Value> {
    let mut all: Value = serde_json::from_slice(&bytes("golden/tiny-a/text.json")).unwrap();
    serde_json::from_value(all[key].take()).unwrap()
}

/// The base tokenizer of the toy checkpoint, extended.
pub fn extended() -> ExtendedTokenizer {
    let tokenizer = bytes("tiny-a/lang_encoder/tokenizer.json");
    let config = bytes("tiny-a/lang_encoder/tokenizer_config.json");
    let base =
        BaseTokenizer { tokenizer_json: Some(&tokenizer), tokenizer_config: Some(&config), ..BaseTokenizer::default() };
    base.extend().unwrap()
}

/// The extended tokenizer as a converted model stores it.
pub fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(&extended().json).unwrap()
}

/// A JSON array of ids.
pub fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A repeatable series of numbers below `bound`.
pub fn random(seed: u64, bound: u32) -> impl Iterator<Item = u32> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as u32) % bound
    })
}
