//! How an engine asks for its model.

use std::pin::Pin;
use wasm_bindgen::JsValue;

/// Has the page load the model `M`: at first, and with the reason when it has to be loaded again.
pub type Load<M> = Box<dyn Fn(Option<String>) -> Pin<Box<dyn Future<Output = Result<M, JsValue>>>>>;
