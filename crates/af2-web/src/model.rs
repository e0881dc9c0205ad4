//! A loaded model.

use crate::audio::AudioWindows;
use crate::backend;
use crate::clip::Clip;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// A model ready to listen.
#[wasm_bindgen]
pub struct Model(backend::Model);

impl Model {
    pub(crate) fn new(model: backend::Model) -> Self {
        Self(model)
    }

    pub(crate) fn engine(&self) -> &backend::Model {
        &self.0
    }
}

#[wasm_bindgen]
impl Model {
    /// Windows that the model was made for.
    #[wasm_bindgen(getter, js_name = maxWindows)]
    pub fn max_windows(&self) -> usize {
        self.0.config().audio.max_num_window
    }

    /// Seconds per window.
    #[wasm_bindgen(getter, js_name = windowSeconds)]
    pub fn window_seconds(&self) -> f64 {
        self.0.config().audio.window_length
    }

    /// Encodes audio. `on_window` is told how many of how many windows are done.
    ///
    /// # Errors
    /// `ABORTED`, `INSUFFICIENT_MEMORY`, `DEVICE_LOST`.
    pub async fn listen(
        &self,
        windows: &AudioWindows,
        on_window: Function,
        signal: AbortSignal,
    ) -> Result<Clip, JsValue> {
        let mut progress = |done: usize, count: usize| {
            // a listener's own exception is not the engine's business
            let _ = on_window.call2(&JsValue::NULL, &done.into(), &count.into());
            !signal.aborted()
        };
        backend::listen(&self.0, windows.windows(), &mut progress).await.map(Clip::new)
    }
}
