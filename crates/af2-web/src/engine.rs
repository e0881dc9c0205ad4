//! One GPU device.

use crate::failure::{gpu_failure, model_failure};
use crate::loader::ModelLoader;
use af2_gpu::{Gpu, GpuOptions};
use wasm_bindgen::prelude::*;

/// A WebGPU device, on which one model is loaded.
#[wasm_bindgen]
pub struct Engine {
    gpu: Gpu,
    /// Bytes that the device itself needs before any model.
    own_bytes: u64,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the browser's adapter.
    ///
    /// # Errors
    /// `NO_WEBGPU`.
    pub async fn create(low_power: bool) -> Result<Self, JsValue> {
        let options = GpuOptions { low_power, ..GpuOptions::default() };
        let gpu = Gpu::open(&options).await.map_err(|error| gpu_failure(&error))?;
        let own_bytes = gpu.memory().bytes();
        Ok(Self { gpu, own_bytes })
    }

    /// Bytes of the GPU buffers that are alive; 0 before a model is loaded and after everything was freed.
    #[wasm_bindgen(js_name = gpuBytes)]
    pub fn gpu_bytes(&self) -> f64 {
        self.gpu.memory().bytes().saturating_sub(self.own_bytes) as f64
    }

    /// Allocates the weights of a model described by the texts of its three small files.
    ///
    /// # Errors
    /// `BAD_MODEL`, `INSUFFICIENT_MEMORY`.
    #[wasm_bindgen(js_name = beginModel)]
    pub async fn begin_model(&self, config: String, tokenizer: String, index: String) -> Result<ModelLoader, JsValue> {
        let loader = af2_model::ModelLoader::new(&self.gpu, config.as_bytes(), tokenizer.as_bytes(), index.as_bytes());
        let loader = loader.await.map_err(model_failure)?;
        loader.warm_up().await.map_err(model_failure)?;
        Ok(ModelLoader::new(loader))
    }

    /// Gives the device back to the browser; nothing of it can be used afterwards.
    pub fn destroy(self) {
        self.gpu.device().destroy();
    }
}
