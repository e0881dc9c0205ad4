//! Measures a model on a device, part by part, beside what the device can do at all.

pub mod kernels;
pub mod rates;
pub mod rival;
pub mod roofline;

use std::time::Instant;

use af2_gpu::Gpu;
use af2_model::{Clip, GenerateOptions, Model};
use anyhow::Result;
use serde::Serialize;

use crate::executor::drive;
use kernels::{Kernel, by_kernel};
use rates::Rates;
use rival::Against;

/// Seconds after which a run is not repeated.
const PATIENCE: f64 = 5.0;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Windows of sound in the model's memory while it answers.
    pub contexts: Vec<usize>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the answer, at least 2.
    pub tokens: usize,
}

impl Plan {
    /// Token ids of a prompt of this length.
    pub(crate) fn prompt(&self, vocabulary: usize) -> Vec<u32> {
        (0..self.prompt_tokens).map(|id| (id % vocabulary) as u32).collect()
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The device's limits.
    pub rates: Rates,
    /// Encoding one window.
    pub encode: Encode,
    /// Answering with so many windows in memory.
    pub contexts: Vec<Context>,
    /// What one token takes by count.
    pub token: Token,
    /// Kernels of encoding one window, from GPU timestamps; empty where the adapter has none.
    pub encoder_kernels: Vec<Kernel>,
    /// Kernels of one token.
    pub token_kernels: Vec<Kernel>,
    /// A rival in the same run, if one was asked for.
    pub against: Option<Against>,
}

/// Encoding one window of ten seconds, log-mel included.
#[derive(Debug, Serialize)]
pub struct Encode {
    /// Until the tokens are there.
    pub seconds: f64,
    /// Seconds of sound per second.
    pub times_real_time: f64,
    /// Dispatches.
    pub dispatches: usize,
    /// Floating-point operations of its products.
    pub flops: u64,
    /// Operations per second over the device's rate.
    pub of_product: f64,
}

/// Answering a prompt.
#[derive(Debug, Serialize)]
pub struct Context {
    /// Windows in memory.
    pub windows: usize,
    /// Audio transformer and the keys and values of every block; once per sound.
    pub memory_seconds: f64,
    /// Floating-point operations of that.
    pub memory_flops: u64,
    /// From the question to its first token.
    pub first_token_seconds: f64,
    /// Each further token.
    pub seconds_per_token: f64,
    /// Its inverse.
    pub tokens_per_second: f64,
    /// Bytes read per second, of weights and of the audio's keys and values.
    pub bytes_per_second: f64,
    /// That over the device's rate.
    pub of_copy: f64,
    /// Time per token over dispatches per token.
    pub microseconds_per_dispatch: f64,
}

/// What one token takes, whatever the device.
#[derive(Debug, Serialize)]
pub struct Token {
    /// Dispatches: with one window of sound, with more.
    pub dispatches: [usize; 2],
    /// Weight bytes read.
    pub weight_bytes: u64,
    /// Bytes of keys and values read per window of sound.
    pub audio_bytes_per_window: u64,
}

/// Measures.
///
/// # Errors
/// The device failed or has too little memory.
pub fn measure(gpu: &Gpu, model: &Model, plan: &Plan) -> Result<Report> {
    let rates = Rates::measure(gpu)?;
    let encode = encode(gpu, model, rates)?;
    let facts = model.facts();
    let token = Token {
        dispatches: facts.dispatches_per_token,
        weight_bytes: facts.bytes_per_token,
        audio_bytes_per_window: facts.audio_bytes_per_window,
    };
    let (mut contexts, mut token_kernels) = (Vec::new(), Vec::new());
    for windows in &plan.contexts {
        let (context, clip) = context(gpu, model, plan, *windows, &token, rates)?;
        contexts.push(context);
        if let Some(spans) = drive(gpu, clip.profile_step())?? {
            token_kernels = by_kernel(&spans, rates);
        }
    }
    let encoder_kernels = drive(gpu, model.profile_encoder())??.map_or_else(Vec::new, |spans| by_kernel(&spans, rates));
    Ok(Report { rates, encode, contexts, token, encoder_kernels, token_kernels, against: None })
}

fn encode(gpu: &Gpu, model: &Model, rates: Rates) -> Result<Encode> {
    let facts = model.encoder_facts()?;
    let time = |runs: usize| -> Result<f64> {
        let start = Instant::now();
        drive(gpu, model.encode_silence(runs))??;
        Ok(start.elapsed().as_secs_f64() / runs as f64)
    };
    // The first run compiles kernels; where it takes long, that is not why.
    let mut seconds = time(1)?;
    if seconds < PATIENCE {
        seconds = time(if gpu.facts().software { 1 } else { 20 })?;
    }
    Ok(Encode {
        seconds,
        times_real_time: model.config().audio.window_length / seconds,
        dispatches: facts.dispatches,
        flops: facts.flops,
        of_product: facts.flops as f64 / seconds / rates.product_flops_per_second,
    })
}

fn context(
    gpu: &Gpu,
    model: &Model,
    plan: &Plan,
    windows: usize,
    token: &Token,
    rates: Rates,
) -> Result<(Context, Clip)> {
    let start = Instant::now();
    let (mut clip, memory) = drive(gpu, model.blank_clip(windows))??;
    let memory_seconds = start.elapsed().as_secs_f64();
    let prompt = plan.prompt(model.config().text.vocab_size);
    let mut answer = |tokens: usize| -> Result<Vec<f64>> {
        let options = GenerateOptions { max_new_tokens: tokens, ignore_end: true, ..GenerateOptions::default() };
        let (start, mut times) = (Instant::now(), Vec::new());
        let mut on_token = |_| {
            times.push(start.elapsed().as_secs_f64());
            true
        };
        drive(gpu, clip.generate(&prompt, &options, &mut on_token))??;
        Ok(times)
    };
    answer(2)?; // plans are built and kernels compiled
    let times = answer(plan.tokens.max(2))?;
    let first_token_seconds = times[0];
    let seconds_per_token = (times[times.len() - 1] - first_token_seconds) / (times.len() - 1) as f64;
    let bytes = token.weight_bytes + windows as u64 * token.audio_bytes_per_window;
    let bytes_per_second = bytes as f64 / seconds_per_token;
    let context = Context {
        windows,
        memory_seconds,
        memory_flops: memory.flops,
        first_token_seconds,
        seconds_per_token,
        tokens_per_second: 1.0 / seconds_per_token,
        bytes_per_second,
        of_copy: bytes_per_second / rates.copy_bytes_per_second,
        microseconds_per_dispatch: 1e6 * seconds_per_token / token.dispatches[usize::from(windows > 1)] as f64,
    };
    Ok((context, clip))
}
