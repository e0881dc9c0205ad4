//! A benchmark of a model on this machine: silence is encoded, and a prompt of fixed ids answered.
//!
//! It uses the calls of every clip and answer, so both engines are measured alike. Everything it allocates is freed at its end: the
//! silent clip fits the scratch buffers that a model has from the start.

use crate::backend::{self, Clip};
use crate::clip::now;
use crate::failure::{Code, failure, set};
use crate::model::Model;
use af2_core::audio::Windows;
use af2_core::engine::GenerateOptions;
use js_sys::{Function, Object};
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

/// Tokens of the prompt.
const PROMPT: u32 = 40;
/// Tokens of the answer that is not measured: plans are built and kernels compiled.
const WARM_UP: usize = 2;
/// Most windows and tokens for which the scratch buffers suffice.
const MOST_WINDOWS: usize = 30;
const MOST_TOKENS: usize = 512;

#[wasm_bindgen]
impl Model {
    /// Runs the benchmark. `on_step` is told how many of how many steps are done. The result is an object with `encodeMs` (a
    /// window), `audioKvMs` (audio transformer, keys and values of all windows), `firstTokenMs`, `tokenMs` (each further one), and
    /// on a GPU `gpu`, see [`backend::gpu_report`].
    ///
    /// # Errors
    /// `BAD_REQUEST`, `ABORTED`, `INSUFFICIENT_MEMORY`, `DEVICE_LOST`.
    pub async fn bench(
        &self,
        windows: usize,
        tokens: usize,
        on_step: Function,
        signal: AbortSignal,
    ) -> Result<Object, JsValue> {
        if !(1..=MOST_WINDOWS).contains(&windows) || !(2..=MOST_TOKENS).contains(&tokens) {
            let limits = format!("windows must be 1 to {MOST_WINDOWS} and tokens 2 to {MOST_TOKENS}");
            return Err(failure(Code::BadRequest, limits));
        }
        let mut steps = Steps { on_step, signal, done: 0, count: 1 + WARM_UP + windows + tokens + 1 };
        let mut silence = listen(self.engine(), 1, &mut steps).await?;
        answer(&mut silence.clip, WARM_UP, &mut steps).await?;
        let mut silence = listen(self.engine(), windows, &mut steps).await?;
        let times = answer(&mut silence.clip, tokens, &mut steps).await?;
        let report = Object::new();
        let (first, last) = (times[0], times[tokens - 1]);
        for (key, milliseconds) in [
            ("encodeMs", silence.encode_ms),
            ("audioKvMs", silence.audio_kv_ms),
            ("firstTokenMs", first),
            ("tokenMs", (last - first) / (tokens - 1) as f64),
        ] {
            set(&report, key, &milliseconds.into());
        }
        let gpu = backend::gpu_report(&silence.clip, &now).await?;
        set(&report, "gpu", &gpu.into());
        steps.tell(1);
        Ok(report)
    }

    /// Measures which kernels are the fastest on this GPU: an object with `tuning`, for `Engine.create`, and `description`.
    ///
    /// # Errors
    /// `BAD_REQUEST` on the CPU, `INSUFFICIENT_MEMORY`, `DEVICE_LOST`.
    pub async fn tune(&self) -> Result<Object, JsValue> {
        backend::tune(self.engine(), &now).await
    }
}

/// What is told on the way, and whether to go on.
struct Steps {
    on_step: Function,
    signal: AbortSignal,
    done: usize,
    count: usize,
}

impl Steps {
    fn tell(&mut self, done: usize) -> bool {
        self.done += done;
        // a listener's own exception is not the engine's business
        let _ = self.on_step.call2(&JsValue::NULL, &self.done.into(), &self.count.into());
        !self.signal.aborted()
    }
}

/// A clip of silence.
struct Silence {
    clip: Clip,
    encode_ms: f64,
    audio_kv_ms: f64,
}

async fn listen(model: &backend::Model, windows: usize, steps: &mut Steps) -> Result<Silence, JsValue> {
    let audio = &model.config().audio;
    let window_samples = audio.window_samples();
    let (codes, sample_rate) = (Vec::new(), audio.sample_rate);
    let windows_of_silence =
        Windows { codes, count: windows, window_samples, hop_samples: window_samples, sample_rate };
    let (mut told, mut begin, mut end) = (0, 0.0, 0.0);
    let mut progress = |done: usize, _: usize| {
        end = now();
        if done == 0 {
            begin = end;
        }
        let news = done - told;
        told = done;
        steps.tell(news)
    };
    let clip = backend::listen(model, &windows_of_silence, &mut progress).await?;
    Ok(Silence { clip, encode_ms: (end - begin) / windows as f64, audio_kv_ms: now() - end })
}

/// Milliseconds from the question to every token.
async fn answer(clip: &mut Clip, tokens: usize, steps: &mut Steps) -> Result<Vec<f64>, JsValue> {
    let vocabulary = clip.model().config().text.vocab_size as u32;
    let prompt: Vec<u32> = (0..PROMPT).map(|id| id % vocabulary).collect();
    let options = GenerateOptions { max_new_tokens: tokens, ignore_end: true, ..GenerateOptions::default() };
    let (start, mut times) = (now(), Vec::with_capacity(tokens));
    let mut on_token = |_| {
        times.push(now() - start);
        steps.tell(1)
    };
    backend::generate(clip, &prompt, &options, None, &mut on_token).await?;
    if times.len() < tokens {
        return Err(failure(Code::Aborted, "aborted by the caller"));
    }
    Ok(times)
}
