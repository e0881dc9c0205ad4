//! The network on the CPU, where a browser has no WebGPU.
//!
//! It computes on the thread that called it. The event loop gets its turn after every window and every token, so that a
//! cancellation arrives.

use crate::failure::{Code, engine_failure, failure, insufficient_memory};
use crate::load::Load;
use crate::turn::Turn;
use af2_core::audio::Windows;
use af2_core::engine::{EngineError, GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules};
use af2_cpu::{Backend, CpuError};
use js_sys::Object;
use std::hint::black_box;
use wasm_bindgen::JsValue;

/// What computes.
#[cfg(not(feature = "burn-wgpu"))]
const BACKEND: Backend = Backend::Cpu;
#[cfg(feature = "burn-wgpu")]
const BACKEND: Backend = Backend::Wgpu;

/// Bytes by which memory grows at a time.
const CHUNK: u64 = 1 << 20;

/// Windows that are heard between two turns of other calls: the CPU gains nothing by more.
pub const BATCH: usize = 1;

pub use af2_cpu::{Clip, Model, Model as Loaded, ModelLoader};

/// The CPU, of which there is always one.
pub struct Device;

impl Device {
    /// Ignores both options: the CPU has no power preference and no kernels to choose from.
    ///
    /// # Errors
    /// None on the CPU; `NO_WEBGPU` from burn-wgpu, which takes its place in measurements.
    pub async fn open(_low_power: bool, _kernels: Option<String>) -> Result<Self, JsValue> {
        BACKEND.open().await.map_err(|error| failure(Code::NoWebGpu, error))?;
        Ok(Self)
    }

    /// Bytes of GPU buffers: none.
    pub fn bytes(&self) -> u64 {
        0
    }

    /// Reads a model's small files and asks for the memory that the rest will take.
    ///
    /// # Errors
    /// `BAD_MODEL`, `INSUFFICIENT_MEMORY`.
    pub async fn begin(&self, config: &str, tokenizer: &str, index: &str) -> Result<ModelLoader, JsValue> {
        let loader = ModelLoader::new(BACKEND, config.as_bytes(), tokenizer.as_bytes(), index.as_bytes());
        let loader = loader.map_err(thrown)?;
        reserve(loader.needed_bytes())?;
        Ok(loader)
    }

    /// Nothing to give back.
    pub fn close(self) {}
}

/// Grows the module's memory to what loading will need, so that a browser that refuses does so before a byte is fetched. In
/// chunks: the memory that an earlier model freed may be fragmented.
fn reserve(bytes: u64) -> Result<(), JsValue> {
    let chunk = |_| {
        let mut room = Vec::<u8>::new();
        room.try_reserve_exact(CHUNK as usize).map(|()| room)
    };
    let rooms: Result<Vec<_>, _> = (0..bytes.div_ceil(CHUNK)).map(chunk).collect();
    if black_box(rooms).is_ok() {
        return Ok(()); // without the black box the compiler would leave out the unused allocations
    }
    let needed = bytes as f64 / 1e9;
    let refusal = format!("on the CPU this model needs {needed:.1} GB of memory, and the browser grants less");
    Err(insufficient_memory(refusal, [("needed", Some(bytes))]))
}

/// Chunks are copied as they come: nothing to wait for.
pub async fn settle(_loader: &ModelLoader) -> Result<(), JsValue> {
    Ok(())
}

/// The model, once every shard was finished.
pub async fn finish(loader: ModelLoader) -> Result<Model, JsValue> {
    loader.finish().map_err(thrown)
}

/// The model that `load` loads. A CPU is never lost, so it does so once.
pub async fn open(load: Load<Loaded>) -> Result<Model, JsValue> {
    load(None).await
}

/// The CPU's weights stay: wasm memory never shrinks.
pub fn release(_model: &Model) {}

/// Encodes audio; `progress` stops the work by returning false.
pub async fn listen(
    model: &Model,
    windows: &Windows,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Clip, JsValue> {
    let mut listening = model.start_listening(windows).map_err(thrown)?;
    let turn = Turn::new()?;
    loop {
        turn.pass().await?;
        let encoded = listening.encoded();
        if !progress(encoded, windows.count) {
            return Err(engine_failure(&EngineError::Cancelled));
        }
        if encoded == windows.count {
            let clip = listening.finish().map_err(thrown)?;
            clip.computed().await.map_err(thrown)?;
            return Ok(clip);
        }
        listening.step();
    }
}

/// Answers a prompt, with tokens that obey the `rules`, if any; `on_token` stops the answer by returning false.
pub async fn generate(
    clip: &mut Clip,
    prompt: &[u32],
    options: &GenerateOptions,
    rules: Option<&mut dyn TokenRules>,
    on_token: &mut dyn FnMut(u32) -> bool,
) -> Result<Generation, JsValue> {
    let mut decoding = clip.start_decoding(prompt, options).map_err(thrown)?;
    if let Some(rules) = rules {
        decoding = decoding.obeying(rules);
    }
    let turn = Turn::new()?;
    while let Some(id) = decoding.step().await.map_err(thrown)? {
        turn.pass().await?;
        if !on_token(id) {
            break;
        }
    }
    Ok(decoding.finish())
}

/// The encoder's tokens, [64 · windows, D]; `go_on` is asked before every window.
pub async fn encode(model: &Model, windows: &Windows, go_on: &dyn Fn() -> bool) -> Result<Vec<f32>, JsValue> {
    Turn::new()?.pass().await?;
    model.encode(windows, &mut |_, _| go_on()).map_err(thrown)
}

/// A clip of encoder tokens; with `apart` every window is a sound of its own.
pub async fn hear(model: &Model, tokens: Vec<f32>, apart: bool) -> Result<Clip, JsValue> {
    model.hear(&tokens, apart).map_err(thrown)
}

/// Answers to several queries, greedy; `go_on` is asked after every token.
pub async fn generate_many(
    clip: &mut Clip,
    queries: &[Query],
    options: &GenerateOptions,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Generation>, JsValue> {
    let (turn, mut generations) = (Turn::new()?, Vec::with_capacity(queries.len()));
    for query in queries {
        let mut decoding = clip.start_query(query, options).map_err(thrown)?;
        while decoding.step().await.map_err(thrown)?.is_some() {
            turn.pass().await?;
            if !go_on() {
                return Err(engine_failure(&EngineError::Cancelled));
            }
        }
        generations.push(decoding.finish());
    }
    Ok(generations)
}

/// Log-probabilities of continuations; `go_on` is asked after every request.
pub async fn score(
    clip: &mut Clip,
    requests: &[ScoreRequest],
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Scores>, JsValue> {
    let turn = Turn::new()?;
    let mut scoring = clip.start_scoring(requests).map_err(thrown)?;
    while scoring.step().await.map_err(thrown)? {
        turn.pass().await?;
        if !go_on() {
            return Err(engine_failure(&EngineError::Cancelled));
        }
    }
    Ok(scoring.finish())
}

/// How much the tokens `ids` attend to each time of the audio, [32 · windows].
pub async fn attention(clip: &mut Clip, query: &Query, ids: &[u32]) -> Result<Vec<f32>, JsValue> {
    clip.attention(query, ids).await.map_err(thrown)
}

/// Refuses: there is one way to compute.
///
/// # Errors
/// `BAD_REQUEST`.
pub async fn tune(_model: &Model, _now: &dyn Fn() -> f64) -> Result<Object, JsValue> {
    Err(failure(Code::BadRequest, "the CPU has no kernels to choose from; only WebGPU has"))
}

/// There is no GPU to report on.
pub async fn gpu_report(_clip: &Clip, _now: &dyn Fn() -> f64) -> Result<Option<Object>, JsValue> {
    Ok(None)
}

/// A model's error as JavaScript sees it.
pub fn thrown(error: CpuError) -> JsValue {
    match &error {
        CpuError::Engine(error) => engine_failure(error),
        CpuError::Scheme { .. } => failure(Code::BadModel, error),
        _ => failure(Code::Internal, error),
    }
}
