//! The network in Burn on the processor: for small models, where a browser has no WebGPU.
//!
//! It computes on the thread that called it. So that this thread hears a cancellation, the event loop gets its turn after
//! every window and every token.

use crate::failure::{Code, failure, insufficient_memory, text_failure};
use crate::turn::Turn;
use af2_core::audio::Windows;
use af2_core::generation::Generation;
use af2_reference::{Backend, ReferenceError};
use js_sys::Object;
use std::hint::black_box;
use wasm_bindgen::JsValue;

/// What computes.
#[cfg(not(feature = "burn-wgpu"))]
const BACKEND: Backend = Backend::Cpu;
#[cfg(feature = "burn-wgpu")]
const BACKEND: Backend = Backend::Wgpu;

/// Bytes of a piece of memory.
const PIECE: u64 = 1 << 20;

pub use af2_reference::{Clip, GenerateOptions, Model, ModelLoader};

/// The processor, of which there is always one.
pub struct Device;

impl Device {
    /// Saves no power, and has no kernels to choose from.
    ///
    /// # Errors
    /// Of the processor, none; `NO_WEBGPU` of the backend that takes its place to be measured.
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
        let shards = loader.shards().iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        reserve(loader.unpacked_bytes().saturating_add(shards))?;
        Ok(loader)
    }

    /// Nothing to give back.
    pub fn close(self) {}
}

/// Grows the module's memory to what loading will need, so that a browser that refuses does so before a byte is fetched. In
/// pieces: an earlier model leaves its room, but perhaps not in one stretch.
fn reserve(bytes: u64) -> Result<(), JsValue> {
    let piece = |_| {
        let mut room = Vec::<u8>::new();
        room.try_reserve_exact(PIECE as usize).map(|()| room)
    };
    let rooms: Result<Vec<_>, _> = (0..bytes.div_ceil(PIECE)).map(piece).collect();
    if black_box(rooms).is_ok() {
        return Ok(()); // without the black box the compiler would leave out the unused allocations
    }
    let needed = bytes as f64 / 1e9;
    let refusal = format!("on the processor this model needs {needed:.1} GB of memory, and the browser grants less");
    Err(insufficient_memory(refusal, bytes, None))
}

/// Pieces are taken as they come.
pub async fn settle(_loader: &ModelLoader) -> Result<(), JsValue> {
    Ok(())
}

/// The model, once every shard was finished; weights are unpacked here.
pub async fn finish(loader: ModelLoader) -> Result<Model, JsValue> {
    loader.finish().map_err(thrown)
}

/// Encodes a sound; `progress` stops the work by returning false.
pub async fn listen(
    model: &Model,
    windows: &Windows,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Clip, JsValue> {
    let mut listening = model.hear(windows).map_err(thrown)?;
    let turn = Turn::new()?;
    loop {
        turn.pass().await?;
        let heard = listening.heard();
        if !progress(heard, windows.count) {
            return Err(thrown(ReferenceError::Cancelled));
        }
        if heard == windows.count {
            let clip = listening.finish().map_err(thrown)?;
            clip.computed().await.map_err(thrown)?;
            return Ok(clip);
        }
        listening.step();
    }
}

/// Answers a prompt; `on_token` stops the answer by returning false.
pub async fn generate(
    clip: &mut Clip,
    prompt: &[u32],
    options: &GenerateOptions,
    on_token: &mut dyn FnMut(u32) -> bool,
) -> Result<Generation, JsValue> {
    let mut answer = clip.answer(prompt, options).map_err(thrown)?;
    let turn = Turn::new()?;
    while let Some(id) = answer.step().await.map_err(thrown)? {
        turn.pass().await?;
        if !on_token(id) {
            break;
        }
    }
    Ok(answer.finish())
}

/// Refuses: there is one way to compute.
///
/// # Errors
/// `BAD_REQUEST`.
pub async fn tune(_model: &Model, _now: &dyn Fn() -> f64) -> Result<Object, JsValue> {
    Err(failure(Code::BadRequest, "the processor has no kernels to choose from; only WebGPU has"))
}

/// No GPU, nothing to say of one.
pub async fn gpu_report(_clip: &Clip, _now: &dyn Fn() -> f64) -> Result<Option<Object>, JsValue> {
    Ok(None)
}

/// A model's error as JavaScript sees it.
pub fn thrown(error: ReferenceError) -> JsValue {
    let code = match &error {
        ReferenceError::Verify(_) => Code::WeightsCorrupt,
        ReferenceError::Config(_) | ReferenceError::Network(_) | ReferenceError::Index(_) => Code::BadModel,
        ReferenceError::Header { .. } | ReferenceError::Stored(_) | ReferenceError::Scheme { .. } => Code::BadModel,
        ReferenceError::UnknownShard(_) | ReferenceError::TooLong { .. } => Code::BadModel,
        ReferenceError::WrongWindows { .. } => Code::BadModel,
        ReferenceError::Text(text) => return text_failure(text),
        ReferenceError::Sampling(_) | ReferenceError::PromptLength { .. } => Code::BadRequest,
        ReferenceError::UnknownToken { .. } => Code::BadModel,
        ReferenceError::Cancelled => Code::Aborted,
        _ => Code::Internal,
    };
    failure(code, error)
}
