//! A loaded model.

use crate::audio::AudioWindows;
use crate::clip::Clip;
use crate::failure::model_failure;
use af2_model::ListenOptions;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// A model ready to listen.
#[wasm_bindgen]
pub struct Model(af2_model::Model);

impl Model {
    pub(crate) fn new(model: af2_model::Model) -> Self {
        Self(model)
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

    /// Encodes a sound. `on_window` is told how many of how many windows are done.
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
        let clip = self.0.listen(windows.windows(), ListenOptions::default(), &mut progress).await;
        Ok(Clip::new(clip.map_err(model_failure)?))
    }
}
