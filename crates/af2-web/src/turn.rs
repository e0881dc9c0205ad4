//! The event loop's turn, for an engine that keeps its thread busy.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// Queues behind the messages that the thread has received meanwhile. A promise alone would not do: its callbacks run before any
/// message. A timer would: browsers delay nested timers by 4 ms each.
pub struct Turn(MessageChannel);

impl Turn {
    /// Opens the channel.
    ///
    /// # Errors
    /// The browser's error, if it cannot make a channel.
    pub fn new() -> Result<Self, JsValue> {
        Ok(Self(MessageChannel::new()?))
    }

    /// Resumes once the events that wait now have been handled.
    ///
    /// # Errors
    /// The browser's error, if the channel is closed.
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
