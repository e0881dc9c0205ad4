//! The network as compute shaders on the browser's GPU.

use crate::failure::{Code, code_of, engine_failure, failure, insufficient_memory, set};
use crate::load::Load;
use af2_core::audio::Windows;
use af2_core::engine::{GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules};
use af2_gpu::{Gpu, GpuError, GpuOptions, KernelTime, Kernels, by_kernel};
use af2_model::{ModelError, Opener, RecoveringClip, RecoveringModel, Trouble};
use js_sys::{Array, Object};
use wasm_bindgen::JsValue;

/// Windows that are heard between two turns of other calls, and decoded together.
pub const BATCH: usize = 8;

pub use af2_model::{Model as Loaded, ModelLoader};

/// A model that is loaded again when its device is lost.
pub type Model = RecoveringModel<Page>;
/// Audio that it listened to.
pub type Clip = RecoveringClip<Page>;

/// Loads a model through the page, which opens a device and streams the shards from its cache.
pub struct Page(Load<Loaded>);

/// An error of the engine, or one that the page threw.
pub enum Error {
    /// The engine's.
    Model(ModelError),
    /// The page's.
    Thrown(JsValue),
}

impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<GpuError> for Error {
    fn from(error: GpuError) -> Self {
        Self::Model(error.into())
    }
}

impl Opener for Page {
    type Error = Error;

    async fn open(&self, after: Option<&Error>) -> Result<Loaded, Error> {
        let reason = after.map(|error| match error {
            Error::Model(error) => error.to_string(),
            Error::Thrown(_) => "the GPU failed while the model was loading".to_owned(),
        });
        (self.0)(reason).await.map_err(Error::Thrown)
    }

    fn trouble(error: &Error) -> Option<Trouble> {
        match error {
            Error::Model(ModelError::Gpu(error)) => Trouble::of(error),
            Error::Model(_) => None,
            Error::Thrown(error) => match code_of(error)?.as_str() {
                "DEVICE_LOST" => Some(Trouble::Lost),
                "INSUFFICIENT_MEMORY" => Some(Trouble::OutOfMemory),
                _ => None,
            },
        }
    }
}

/// Between the adapter and its kernels in the text that a page stores.
const KEY_END: &str = ": ";

/// A WebGPU device.
pub struct Device {
    gpu: Gpu,
    /// Bytes that the device itself needs before any model.
    own_bytes: u64,
}

impl Device {
    /// Opens the browser's adapter; `kernels` is what [`tune`] found, and counts if it was on this adapter.
    ///
    /// # Errors
    /// `NO_WEBGPU`.
    pub async fn open(low_power: bool, kernels: Option<String>) -> Result<Self, JsValue> {
        let options = GpuOptions { low_power, ..GpuOptions::default() };
        let gpu = Gpu::open(&options).await.map_err(thrown)?;
        let here = format!("{}{KEY_END}", gpu.info().tuning_key());
        let found = kernels.as_deref().and_then(|text| text.strip_prefix(&here));
        let gpu = match found.and_then(|kernels| kernels.parse::<Kernels>().ok()) {
            Some(kernels) => gpu.tuned(kernels),
            None => gpu,
        };
        let own_bytes = gpu.memory().bytes();
        Ok(Self { gpu, own_bytes })
    }

    /// Bytes of the GPU buffers that models have allocated and not freed.
    pub fn bytes(&self) -> u64 {
        self.gpu.memory().bytes().saturating_sub(self.own_bytes)
    }

    /// Allocates a model's weights and starts to compile its kernels.
    ///
    /// # Errors
    /// `BAD_MODEL`, `INSUFFICIENT_MEMORY`.
    pub async fn begin(&self, config: &str, tokenizer: &str, index: &str) -> Result<ModelLoader, JsValue> {
        let loader = ModelLoader::new(&self.gpu, config.as_bytes(), tokenizer.as_bytes(), index.as_bytes());
        let loader = loader.await.map_err(thrown)?;
        loader.warm_up().await.map_err(thrown)?;
        Ok(loader)
    }

    /// Gives the device back to the browser.
    pub fn close(self) {
        self.gpu.device().destroy();
    }
}

/// Waits until what was pushed has left the browser's staging memory.
pub async fn settle(loader: &ModelLoader) -> Result<(), JsValue> {
    loader.settle().await.map_err(thrown)
}

/// The model, once every shard was finished.
pub async fn finish(loader: ModelLoader) -> Result<Loaded, JsValue> {
    loader.finish().await.map_err(thrown)
}

/// A model that `load` loads, now and whenever its device is gone.
pub async fn open(load: Load<Loaded>) -> Result<Model, JsValue> {
    Model::open(Page(load)).await.map_err(thrown)
}

/// Frees what an idle model and its clips hold on the GPU.
pub fn release(model: &Model) {
    model.release();
}

/// Encodes audio; `progress` stops the work by returning false.
pub async fn listen(
    model: &Model,
    windows: &Windows,
    progress: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Clip, JsValue> {
    model.listen(windows, progress).await.map_err(thrown)
}

/// Answers a prompt, with tokens that obey the `rules`, if any; `on_token` stops the answer by returning false.
pub async fn generate(
    clip: &mut Clip,
    prompt: &[u32],
    options: &GenerateOptions,
    rules: Option<&mut dyn TokenRules>,
    on_token: &mut dyn FnMut(u32) -> bool,
) -> Result<Generation, JsValue> {
    match rules {
        Some(rules) => clip.generate_with(prompt, options, rules, on_token).await.map_err(thrown),
        None => clip.generate(prompt, options, on_token).await.map_err(thrown),
    }
}

/// The encoder's tokens, [64 · windows, D]; `go_on` is asked before every window.
pub async fn encode(model: &Model, windows: &Windows, go_on: &dyn Fn() -> bool) -> Result<Vec<f32>, JsValue> {
    model.encode_tokens(windows, &mut |_, _| go_on()).await.map_err(thrown)
}

/// A clip of encoder tokens; with `apart` every window is a sound of its own.
pub async fn hear(model: &Model, tokens: Vec<f32>, apart: bool) -> Result<Clip, JsValue> {
    model.hear(tokens, apart).await.map_err(thrown)
}

/// Answers to several queries, greedy and decoded together; `go_on` is asked while they come.
pub async fn generate_many(
    clip: &mut Clip,
    queries: &[Query],
    options: &GenerateOptions,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Generation>, JsValue> {
    clip.generate_many(queries, options, &mut |_, _| go_on()).await.map_err(thrown)
}

/// Log-probabilities of continuations; `go_on` is asked between requests.
pub async fn score(
    clip: &mut Clip,
    requests: &[ScoreRequest],
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<Scores>, JsValue> {
    clip.score(requests, &mut |_, _| go_on()).await.map_err(thrown)
}

/// How much the tokens `ids` attend to each time of the audio, [32 · windows].
pub async fn attention(clip: &mut Clip, query: &Query, ids: &[u32]) -> Result<Vec<f32>, JsValue> {
    clip.attention(query, ids).await.map_err(thrown)
}

/// Measures which kernels are the fastest here: `tuning`, to store for a later [`Device::open`], and `description`, for people. `now`
/// is a clock in milliseconds.
pub async fn tune(model: &Model, now: &dyn Fn() -> f64) -> Result<Object, JsValue> {
    let model = model.ready().await.map_err(thrown)?;
    let gpu = model.gpu();
    let now = || now() / 1e3;
    let tuning = gpu.measure_tuning(&now).await.map_err(thrown)?;
    let kernels = gpu.tuned(tuning).measure_matvecs(&model.token_shapes(), &now, &|_, _| ()).await.map_err(thrown)?;
    let found = Object::new();
    set(&found, "tuning", &format!("{}{KEY_END}{kernels}", gpu.info().tuning_key()).into());
    set(&found, "description", &tuning.describe().into());
    Ok(found)
}

/// What a token takes (`dispatches`, `weightBytes`), the device's peak rates (`copyBytesPerSecond`, `matmulFlopsPerSecond`), which
/// kernels are in use (`kernels`), and, if the device has timestamps, their times (`encoder`, `token`: lists of `name`, `count`,
/// `microseconds`, `bytes`, `flops`). `now` is a clock in milliseconds.
pub async fn gpu_report(clip: &Clip, now: &dyn Fn() -> f64) -> Result<Option<Object>, JsValue> {
    let model = clip.model().ready().await.map_err(thrown)?;
    let (info, report) = (model.info(), Object::new());
    let rates = model.gpu().measure_rates(&|| now() / 1e3).await.map_err(thrown)?;
    for (key, value) in [
        ("dispatches", info.dispatches_per_token[usize::from(clip.windows() > 1)] as f64),
        ("weightBytes", info.bytes_per_token as f64),
        ("copyBytesPerSecond", rates.copy_bytes_per_second),
        ("matmulFlopsPerSecond", rates.matmul_flops_per_second),
    ] {
        set(&report, key, &value.into());
    }
    set(&report, "kernels", &model.gpu().tuning().describe().into());
    let encoder = model.profile_encoder().await.map_err(thrown)?;
    let token = clip.profile_step().await.map_err(thrown)?;
    for (key, spans) in [("encoder", encoder), ("token", token)] {
        let Some(spans) = spans else { continue };
        set(&report, key, &by_kernel(&spans).iter().map(kernel_time).collect::<Array>());
    }
    Ok(Some(report))
}

fn kernel_time(kernel: &KernelTime) -> Object {
    let time = Object::new();
    set(&time, "name", &kernel.name.into());
    for (key, value) in [
        ("count", kernel.count as f64),
        ("microseconds", kernel.microseconds),
        ("bytes", kernel.weight_bytes as f64),
        ("flops", kernel.flops as f64),
    ] {
        set(&time, key, &value.into());
    }
    time
}

/// An error as JavaScript sees it.
pub fn thrown(error: impl Into<Error>) -> JsValue {
    match error.into() {
        Error::Thrown(error) => error,
        Error::Model(ModelError::Engine(error)) => engine_failure(&error),
        Error::Model(ModelError::Gpu(error)) => gpu_failure(&error),
        Error::Model(error @ ModelError::Busy) => failure(Code::BadRequest, error),
        Error::Model(error) => failure(Code::Internal, error),
    }
}

fn gpu_failure(error: &GpuError) -> JsValue {
    let code = match error {
        GpuError::BufferTooLarge { needed, allowed, .. } => {
            return insufficient_memory(error, [("needed", Some(*needed)), ("available", Some(*allowed))]);
        }
        GpuError::OutOfMemory { needed, in_use, .. } => {
            return insufficient_memory(error, [("needed", *needed), ("inUse", Some(*in_use))]);
        }
        GpuError::NoAdapter(_) | GpuError::NoDevice(_) => Code::NoWebGpu,
        GpuError::DeviceLost(_) => Code::DeviceLost,
        _ => Code::Internal,
    };
    failure(code, error)
}
