//! A model on its way to the engine, in chunks of its shards.

use crate::backend::{self, thrown};
use crate::model::LoadedModel;
use wasm_bindgen::prelude::*;

/// Takes the bytes of shards; those for a GPU do not stay in wasm memory.
#[wasm_bindgen]
pub struct ModelLoader(backend::ModelLoader);

impl ModelLoader {
    pub(crate) fn new(loader: backend::ModelLoader) -> Self {
        Self(loader)
    }
}

#[wasm_bindgen]
impl ModelLoader {
    /// Takes the next bytes of a shard.
    ///
    /// # Errors
    /// `WEIGHTS_CORRUPT` for too many bytes or a malformed header, `BAD_MODEL` for a tensor that does not fit the configuration.
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), JsValue> {
        self.0.push(shard, bytes).map_err(thrown)
    }

    /// Compares length and SHA-256 of all that was pushed with the index.
    ///
    /// # Errors
    /// `WEIGHTS_CORRUPT`.
    #[wasm_bindgen(js_name = finishShard)]
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), JsValue> {
        self.0.finish_shard(shard).map_err(thrown)
    }

    /// Forgets what was pushed of a shard; its first byte comes next.
    #[wasm_bindgen(js_name = restartShard)]
    pub fn restart_shard(&mut self, shard: &str) {
        self.0.restart_shard(shard);
    }

    /// Completes when what was pushed has left the browser's staging memory.
    ///
    /// # Errors
    /// `DEVICE_LOST`, `INSUFFICIENT_MEMORY`.
    pub async fn settle(&self) -> Result<(), JsValue> {
        backend::settle(&self.0).await
    }

    /// The model, once every shard was pushed and finished.
    ///
    /// # Errors
    /// `BAD_MODEL` when a shard was not finished.
    pub async fn finish(self) -> Result<LoadedModel, JsValue> {
        backend::finish(self.0).await.map(LoadedModel::new)
    }
}
