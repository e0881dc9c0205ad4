//! Errors as JavaScript sees them: an `Error` with a stable `code` and, where there are any, `details`.

use af2_core::engine::EngineError;
use af2_core::text::TextError;
use js_sys::{Error, Object, Reflect};
use wasm_bindgen::prelude::*;

/// The code of an error, as the TypeScript package spells it.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "cpu", expect(dead_code, reason = "only a GPU can be missing or lost"))]
pub enum Code {
    /// No adapter or no device.
    NoWebGpu,
    /// The device refuses what the model needs.
    InsufficientMemory,
    /// The GPU went away.
    DeviceLost,
    /// A shard is not what its index says.
    WeightsCorrupt,
    /// No decoder reads this audio.
    UnsupportedAudio,
    /// The model folder is malformed.
    BadModel,
    /// A question or an option that cannot be served.
    BadRequest,
    /// The caller's signal fired.
    Aborted,
    /// A fault of this library or of the driver.
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

/// `INSUFFICIENT_MEMORY` with those numbers of bytes that are known as its details.
pub fn insufficient_memory<const N: usize>(
    cause: impl std::fmt::Display,
    numbers: [(&'static str, Option<u64>); N],
) -> JsValue {
    let (thrown, details) = (failure(Code::InsufficientMemory, cause), Object::new());
    for (key, bytes) in numbers {
        if let Some(bytes) = bytes {
            set(&details, key, &(bytes as f64).into());
        }
    }
    set(&thrown, "details", &details);
    thrown
}

/// The code of an error that the page threw.
#[cfg(not(feature = "cpu"))]
pub fn code_of(thrown: &JsValue) -> Option<String> {
    Reflect::get(thrown, &"code".into()).ok()?.as_string()
}

/// An error that every engine reports alike.
pub fn engine_failure(error: &EngineError) -> JsValue {
    let code = match error {
        EngineError::Text(text) => return text_failure(text),
        EngineError::Verify(_) | EngineError::Header { .. } | EngineError::ShardTooLong { .. } => Code::WeightsCorrupt,
        EngineError::Config(_) | EngineError::Index(_) | EngineError::Stored(_) => Code::BadModel,
        // the package pushes the shards of the index and the ids of the model's own tokenizer
        EngineError::UnknownShard(_) | EngineError::ShardUnfinished(_) | EngineError::UnknownToken { .. } => {
            Code::BadModel
        }
        EngineError::WrongWindows { .. } | EngineError::WrongTokens { .. } => Code::BadModel,
        EngineError::NoWindows
        | EngineError::NoSuchWindow { .. }
        | EngineError::NothingToScore
        | EngineError::NothingAllowed
        | EngineError::TooManyAlternatives { .. }
        | EngineError::TooManyWindows { .. }
        | EngineError::PromptLength { .. }
        | EngineError::Sampling(_) => Code::BadRequest,
        EngineError::Cancelled => Code::Aborted,
        _ => Code::Internal,
    };
    failure(code, error)
}

/// A tokenizer's or a prompt's error.
pub fn text_failure(error: &TextError) -> JsValue {
    let code = if matches!(error, TextError::EmptyStop) { Code::BadRequest } else { Code::BadModel };
    failure(code, error)
}

/// Sets a property of an object made here.
pub fn set(object: &JsValue, key: &str, value: &JsValue) {
    // setting a property of a fresh object cannot fail
    let _ = Reflect::set(object, &key.into(), value);
}
