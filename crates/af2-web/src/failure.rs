//! Errors as JavaScript sees them: an `Error` with a stable `code`.

use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

/// The code of an error, as the TypeScript package spells it.
#[derive(Clone, Copy)]
pub enum Code {
    /// Nothing here decodes this sound.
    UnsupportedAudio,
    /// The model folder is malformed.
    BadModel,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::UnsupportedAudio => "UNSUPPORTED_AUDIO",
            Self::BadModel => "BAD_MODEL",
        }
    }
}

/// An `Error` with this code and the message of `cause`.
pub fn failure(code: Code, cause: impl std::fmt::Display) -> JsValue {
    let error = Error::new(&cause.to_string());
    // setting a property of a fresh object cannot fail
    let _ = Reflect::set(&error, &"code".into(), &code.name().into());
    error.into()
}
