//! The event loop's turn, for an engine that keeps its thread busy.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// A way to queue behind whatever the thread was sent meanwhile. A promise alone would not do: its callbacks run before any
/// message; and a timer is held back by 4 ms when it is set again and again.
pub struct Turn(MessageChannel);

impl Turn {
    /// Opens the channel.
    ///
    /// # Errors
    /// The browser's, which has none to give.
    pub fn new() -> Result<Self, JsValue> {
        Ok(Self(MessageChannel::new()?))
    }

    /// Resumes once the events that wait now have been handled.
    ///
    /// # Errors
    /// The browser's, when the channel is gone.
    pub async fn pass(&self) -> Result<(), JsValue> {
        self.0.port2().post_message(&JsValue::NULL)?;
        let arrived = Promise::new(&mut |resume, _| self.0.port1().set_onmessage(Some(&resume)));
        JsFuture::from(arrived).await.map(|_| ())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.port1().close();
    }
}
