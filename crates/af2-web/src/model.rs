//! A loaded model.

use crate::audio::AudioWindows;
use crate::backend;
use crate::clip::Clip;
use crate::failure::{Code, failure};
use crate::rules::LastSchema;
use js_sys::{Function, Promise};
use wasm_bindgen::convert::TryFromJsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

/// A model on a device, as a loader finished it, for [`Model::open`].
#[wasm_bindgen]
pub struct LoadedModel(backend::Loaded);

impl LoadedModel {
    pub(crate) fn new(model: backend::Loaded) -> Self {
        Self(model)
    }
}

/// Has the page load the model: `load` gets the reason, if the model was loaded before, and returns a promise of a [`LoadedModel`].
async fn call(load: Function, reason: Option<String>) -> Result<backend::Loaded, JsValue> {
    let loading = load.call1(&JsValue::NULL, &reason.map_or(JsValue::UNDEFINED, JsValue::from))?;
    let loaded = JsFuture::from(Promise::resolve(&loading)).await?;
    let loaded = LoadedModel::try_from_js_value(loaded);
    loaded.map(|loaded| loaded.0).map_err(|_| failure(Code::Internal, "the page loaded something that is no model"))
}

/// A model ready to listen. After the loss of its GPU the page loads it again, and calls in progress go on where they stopped.
#[wasm_bindgen]
pub struct Model {
    engine: backend::Model,
    last_schema: LastSchema,
}

impl Model {
    pub(crate) fn engine(&self) -> &backend::Model {
        &self.engine
    }
}

#[wasm_bindgen]
impl Model {
    /// The model that `load` loads, at once and after every loss of its GPU: it gets the reason, `undefined` at first and after
    /// [`Model::release`], and returns a promise of what `ModelLoader.finish` made.
    ///
    /// # Errors
    /// What `load` throws. After `DEVICE_LOST` it is called again, twice at most.
    pub async fn open(load: Function) -> Result<Self, JsValue> {
        let engine = backend::open(Box::new(move |reason| Box::pin(call(load.clone(), reason)))).await?;
        Ok(Self { engine, last_schema: LastSchema::default() })
    }

    /// Frees what the model and its clips hold on the GPU. The next call has the page load the model again.
    pub fn release(&self) {
        backend::release(&self.engine);
    }

    /// Windows that the model was made for.
    #[wasm_bindgen(getter, js_name = maxWindows)]
    pub fn max_windows(&self) -> usize {
        self.engine.config().audio.max_num_window
    }

    /// Seconds per window.
    #[wasm_bindgen(getter, js_name = windowSeconds)]
    pub fn window_seconds(&self) -> f64 {
        self.engine.config().audio.window_length
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
        let clip = backend::listen(&self.engine, windows.windows(), &mut progress).await?;
        Ok(Clip::new(clip, windows.seconds(), self.last_schema.clone()))
    }
}
