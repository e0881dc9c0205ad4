//! Errors as JavaScript sees them: an `Error` with a stable `code`.

use af2_convert::ConvertError;
use af2_hub::HubError;
use js_sys::{Error, Reflect};
use wasm_bindgen::prelude::*;

/// What the messages of `af2-hub` say to users of the command line, and what helps in a page.
const ADVICE: [(&str, &str); 2] = [
    ("set HF_TOKEN to a token of your account", "pass a token of your account as the option `token`"),
    ("HF_TOKEN", "the option `token`"),
];

/// An error of a conversion. Those of storage and of local files are thrown by the page's callbacks, which remember them.
pub fn conversion(error: ConvertError) -> JsValue {
    match &error {
        ConvertError::Storage(storage) if storage.action == "fetch" && !storage.absent => network(&error.to_string()),
        _ => failure("BAD_MODEL", error),
    }
}

/// An error of the hub or of the way to it.
pub fn hub(error: &HubError) -> JsValue {
    network(&error.to_string())
}

fn network(message: &str) -> JsValue {
    failure("NETWORK_FAILED", ADVICE.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to)))
}

/// An `Error` with this code and the message of `cause`.
pub fn failure(code: &str, cause: impl std::fmt::Display) -> JsValue {
    let error = Error::new(&cause.to_string());
    set(&error, "code", &code.into());
    error.into()
}

/// Sets a property of an object made here.
pub fn set(object: &JsValue, key: &str, value: &JsValue) {
    // setting a property of a fresh object cannot fail
    let _ = Reflect::set(object, &key.into(), value);
}

/// The message of anything thrown by a callback.
pub fn reason(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{thrown:?}"),
    }
}
