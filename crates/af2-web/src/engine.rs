//! The device that a model is loaded on.

use crate::backend::Device;
use crate::loader::ModelLoader;
use wasm_bindgen::prelude::*;

/// A WebGPU device or the CPU, on which one model is loaded.
#[wasm_bindgen]
pub struct Engine(Device);

#[wasm_bindgen]
impl Engine {
    /// Opens the browser's adapter, or takes the CPU. `kernels` is the `tuning` of a former [`crate::model::Model::tune`].
    ///
    /// # Errors
    /// `NO_WEBGPU`.
    pub async fn create(low_power: bool, kernels: Option<String>) -> Result<Self, JsValue> {
        Device::open(low_power, kernels).await.map(Self)
    }

    /// Bytes of the GPU buffers that are alive; 0 before a model is loaded and after everything was freed.
    #[wasm_bindgen(js_name = gpuBytes)]
    pub fn gpu_bytes(&self) -> f64 {
        self.0.bytes() as f64
    }

    /// Allocates the weights of a model described by the texts of its three small files.
    ///
    /// # Errors
    /// `BAD_MODEL`, `INSUFFICIENT_MEMORY`.
    #[wasm_bindgen(js_name = beginModel)]
    pub async fn begin_model(&self, config: String, tokenizer: String, index: String) -> Result<ModelLoader, JsValue> {
        self.0.begin(&config, &tokenizer, &index).await.map(ModelLoader::new)
    }

    /// Gives the device back to the browser; nothing of it can be used afterwards.
    pub fn destroy(self) {
        self.0.close();
    }
}
