//! A model on its way to the GPU, in pieces of its shards.

use crate::failure::model_failure;
use crate::model::Model;
use wasm_bindgen::prelude::*;

/// Takes the bytes of shards; keeps none of them in wasm memory.
#[wasm_bindgen]
pub struct ModelLoader(af2_model::ModelLoader);

impl ModelLoader {
    pub(crate) fn new(loader: af2_model::ModelLoader) -> Self {
        Self(loader)
    }
}

#[wasm_bindgen]
impl ModelLoader {
    /// Takes the next bytes of a shard.
    ///
    /// # Errors
    /// `BAD_MODEL` for a shard whose header is not sound.
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), JsValue> {
        self.0.push(shard, bytes).map_err(model_failure)
    }

    /// Compares length and SHA-256 of all that was pushed with the index.
    ///
    /// # Errors
    /// `WEIGHTS_CORRUPT`.
    #[wasm_bindgen(js_name = finishShard)]
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), JsValue> {
        self.0.finish_shard(shard).map_err(model_failure)
    }

    /// Forgets what was pushed of a shard; its first byte comes next.
    #[wasm_bindgen(js_name = restartShard)]
    pub fn restart_shard(&mut self, shard: &str) {
        self.0.restart_shard(shard);
    }

    /// Waits until what was pushed has left the browser's staging memory.
    ///
    /// # Errors
    /// `DEVICE_LOST`, `INSUFFICIENT_MEMORY`.
    pub async fn settle(&self) -> Result<(), JsValue> {
        self.0.settle().await.map_err(model_failure)
    }

    /// The model, once every shard was pushed and finished.
    ///
    /// # Errors
    /// `BAD_MODEL` when a tensor is missing.
    pub async fn finish(self) -> Result<Model, JsValue> {
        Ok(Model::new(self.0.finish().await.map_err(model_failure)?))
    }
}
