//! Errors as JavaScript sees them: an `Error` with a stable `code` and, where there are any, `details`.

use af2_core::text::TextError;
use af2_gpu::GpuError;
use af2_model::ModelError;
use js_sys::{Error, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The code of an error, as the TypeScript package spells it.
#[derive(Clone, Copy)]
pub enum Code {
    /// No adapter or no device.
    NoWebGpu,
    /// The device refuses what the model needs.
    InsufficientMemory,
    /// The GPU went away.
    DeviceLost,
    /// A shard is not what its index says.
    WeightsCorrupt,
    /// Nothing here decodes this sound.
    UnsupportedAudio,
    /// The model folder is malformed.
    BadModel,
    /// A question or an option that cannot be served.
    BadRequest,
    /// The caller's signal fired.
    Aborted,
    /// A fault of this program or of the driver.
    Internal,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::NoWebGpu => "NO_WEBGPU",
            Self::InsufficientMemory => "INSUFFICIENT_MEMORY",
            Self::DeviceLost => "DEVICE_LOST",
            Self::WeightsCorrupt => "WEIGHTS_CORRUPT",
            Self::UnsupportedAudio => "UNSUPPORTED_AUDIO",
            Self::BadModel => "BAD_MODEL",
            Self::BadRequest => "BAD_REQUEST",
            Self::Aborted => "ABORTED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// An `Error` with this code and the message of `cause`.
pub fn failure(code: Code, cause: impl std::fmt::Display) -> JsValue {
    let error = Error::new(&cause.to_string());
    set(&error, "code", &code.name().into());
    error.into()
}

/// An engine's error.
pub fn gpu_failure(error: &GpuError) -> JsValue {
    let thrown = failure(gpu_code(error), error);
    if let GpuError::BufferTooLarge { needed, allowed, .. } = error {
        let details = Object::new();
        set(&details, "needed", &(*needed as f64).into());
        set(&details, "available", &(*allowed as f64).into());
        set(&thrown, "details", &details);
    }
    thrown
}

/// A model's error.
pub fn model_failure(error: ModelError) -> JsValue {
    let code = match &error {
        ModelError::Gpu(gpu) => return gpu_failure(gpu),
        ModelError::Verify(_) => Code::WeightsCorrupt,
        ModelError::Index(_) | ModelError::Header { .. } | ModelError::Config(_) => Code::BadModel,
        ModelError::Tensor { .. } | ModelError::UnknownShard(_) | ModelError::WrongWindows { .. } => Code::BadModel,
        ModelError::Text(text) => return text_failure(text),
        ModelError::Sampling(_) | ModelError::PromptLength { .. } | ModelError::Busy => Code::BadRequest,
        ModelError::Cancelled => Code::Aborted,
        _ => Code::Internal,
    };
    failure(code, error)
}

/// A tokenizer's or a prompt's error.
pub fn text_failure(error: &TextError) -> JsValue {
    let code = if matches!(error, TextError::EmptyStop) { Code::BadRequest } else { Code::BadModel };
    failure(code, error)
}

fn gpu_code(error: &GpuError) -> Code {
    match error {
        GpuError::NoAdapter(_) | GpuError::NoDevice(_) => Code::NoWebGpu,
        GpuError::BufferTooLarge { .. } | GpuError::OutOfMemory { .. } => Code::InsufficientMemory,
        GpuError::DeviceLost(_) => Code::DeviceLost,
        _ => Code::Internal,
    }
}

/// Sets a property of an object made here.
pub fn set(object: &JsValue, key: &str, value: &JsValue) {
    // setting a property of a fresh object cannot fail
    let _ = Reflect::set(object, &key.into(), value);
}
