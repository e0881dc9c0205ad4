//! SHA-256 in chunks, which WebCrypto cannot do: a shard is hashed while it streams by.

use sha2::{Digest, Sha256 as Hasher};
use wasm_bindgen::prelude::*;

/// A running SHA-256.
#[wasm_bindgen]
#[derive(Default)]
pub struct Sha256(Hasher);

#[wasm_bindgen]
impl Sha256 {
    /// Starts with nothing hashed.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Ends this hash as 64 lower-case hexadecimal digits and starts a new one.
    #[wasm_bindgen(js_name = digestHex)]
    pub fn digest_hex(&mut self) -> String {
        self.0.finalize_reset().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
