//! Measures a model on a device, part by part, beside the device's limits.

pub mod baseline;
pub mod device_counts;
pub mod kernels;
pub mod rates;
pub mod roofline;

use std::time::Instant;

use af2_gpu::Gpu;
use af2_model::{Clip, GenerateOptions, Model};
use anyhow::Result;
use serde::Serialize;

use crate::model::drive;
use baseline::Comparison;
use kernels::{Kernel, by_kernel};
use rates::Rates;

/// Seconds after which a run is not repeated.
const PATIENCE: f64 = 5.0;
/// Beams that are measured.
const BEAMS: usize = 4;
/// Recordings of a token's commands; the shortest counts.
const RECORDINGS: usize = 50;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Windows that an answer attends to; each number is measured by itself.
    pub contexts: Vec<usize>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the answer, at least 2.
    pub tokens: usize,
}

impl Workload {
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
    /// Answering with each number of windows.
    pub contexts: Vec<Context>,
    /// The counts of one token.
    pub token: Token,
    /// A beam search with the first number of windows, unless its beams ended after a few tokens.
    pub beams: Option<Beams>,
    /// Kernels of encoding one window, from GPU timestamps; empty where the adapter has none.
    pub encoder_kernels: Vec<Kernel>,
    /// Kernels of one token.
    pub token_kernels: Vec<Kernel>,
    /// A baseline in the same run, if one was asked for.
    pub baseline: Option<Comparison>,
}

/// Encoding one window of ten seconds, log-mel included.
#[derive(Debug, Serialize)]
pub struct Encode {
    /// Until the tokens are there.
    pub seconds: f64,
    /// Seconds of audio per second.
    pub times_real_time: f64,
    /// Dispatches.
    pub dispatches: usize,
    /// Floating-point operations of its matmuls.
    pub flops: u64,
    /// Operations per second over the device's rate.
    pub of_matmul: f64,
}

/// Answering a prompt.
#[derive(Debug, Serialize)]
pub struct Context {
    /// Windows attended to.
    pub windows: usize,
    /// Audio transformer and the keys and values of every block; once per clip.
    pub audio_kv_seconds: f64,
    /// Floating-point operations of that.
    pub audio_kv_flops: u64,
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

/// A beam search, whose beams are decoded in one pass.
#[derive(Debug, Serialize)]
pub struct Beams {
    /// Beams.
    pub count: usize,
    /// Windows attended to.
    pub windows: usize,
    /// Each further token.
    pub seconds_per_token: f64,
    /// That over the time without beams.
    pub ratio: f64,
}

/// The counts of one token, on any device.
#[derive(Debug, Serialize)]
pub struct Token {
    /// Dispatches: with one window, with more.
    pub dispatches: [usize; 2],
    /// Weight bytes read.
    pub weight_bytes: u64,
    /// Bytes of keys and values read per window.
    pub audio_bytes_per_window: u64,
    /// Microseconds of this thread to record one dispatch.
    pub record_microseconds: f64,
}

/// Measures.
///
/// # Errors
/// The device failed or has too little memory.
pub fn measure(gpu: &Gpu, model: &Model, workload: &Workload) -> Result<Report> {
    let rates = Rates::measure(gpu)?;
    let encode = encode(gpu, model, rates)?;
    let info = model.info();
    let mut token = Token {
        dispatches: info.dispatches_per_token,
        weight_bytes: info.bytes_per_token,
        audio_bytes_per_window: info.audio_bytes_per_window,
        record_microseconds: f64::NAN,
    };
    let (mut contexts, mut token_kernels, mut beams) = (Vec::new(), Vec::new(), None);
    for windows in &workload.contexts {
        let (context, mut clip) = context(gpu, model, workload, *windows, &token, rates)?;
        if contexts.is_empty() {
            token.record_microseconds = 1e6 * record(&clip) / token.dispatches[usize::from(*windows > 1)] as f64;
            beams = self::beams(gpu, model, workload, &mut clip, &context)?;
        }
        contexts.push(context);
        if let Some(spans) = drive(gpu, clip.profile_step())?? {
            token_kernels = by_kernel(&spans, rates);
        }
    }
    let encoder_kernels = drive(gpu, model.profile_encoder())??.map_or_else(Vec::new, |spans| by_kernel(&spans, rates));
    Ok(Report { rates, encode, contexts, token, beams, encoder_kernels, token_kernels, baseline: None })
}

fn encode(gpu: &Gpu, model: &Model, rates: Rates) -> Result<Encode> {
    let info = model.encoder_info()?;
    let time = |runs: usize| -> Result<f64> {
        let start = Instant::now();
        drive(gpu, model.encode_silence(runs))??;
        Ok(start.elapsed().as_secs_f64() / runs as f64)
    };
    // The first run also compiles kernels: it is repeated unless it is slow for another reason.
    let mut seconds = time(1)?;
    if seconds < PATIENCE {
        seconds = time(if gpu.info().software { 1 } else { 20 })?;
    }
    Ok(Encode {
        seconds,
        times_real_time: model.config().audio.window_length / seconds,
        dispatches: info.dispatches,
        flops: info.flops,
        of_matmul: info.flops as f64 / seconds / rates.matmul_flops_per_second,
    })
}

fn context(
    gpu: &Gpu,
    model: &Model,
    workload: &Workload,
    windows: usize,
    token: &Token,
    rates: Rates,
) -> Result<(Context, Clip)> {
    let start = Instant::now();
    let (mut clip, audio_kv) = drive(gpu, model.blank_clip(windows))??;
    let audio_kv_seconds = start.elapsed().as_secs_f64();
    let prompt = workload.prompt(model.config().text.vocab_size);
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
    let times = answer(workload.tokens.max(2))?;
    let first_token_seconds = times[0];
    let seconds_per_token = (times[times.len() - 1] - first_token_seconds) / (times.len() - 1) as f64;
    let bytes = token.weight_bytes + windows as u64 * token.audio_bytes_per_window;
    let bytes_per_second = bytes as f64 / seconds_per_token;
    let context = Context {
        windows,
        audio_kv_seconds,
        audio_kv_flops: audio_kv.flops,
        first_token_seconds,
        seconds_per_token,
        tokens_per_second: 1.0 / seconds_per_token,
        bytes_per_second,
        of_copy: bytes_per_second / rates.copy_bytes_per_second,
        microseconds_per_dispatch: 1e6 * seconds_per_token / token.dispatches[usize::from(windows > 1)] as f64,
    };
    Ok((context, clip))
}

/// Seconds to record a token's commands.
fn record(clip: &Clip) -> f64 {
    let seconds = || {
        let start = Instant::now();
        clip.record_step().then(|| start.elapsed().as_secs_f64())
    };
    (0..RECORDINGS).filter_map(|_| seconds()).fold(f64::INFINITY, f64::min)
}

/// The same answer with beams.
fn beams(gpu: &Gpu, model: &Model, workload: &Workload, clip: &mut Clip, greedy: &Context) -> Result<Option<Beams>> {
    let prompt = workload.prompt(model.config().text.vocab_size);
    let mut search = |tokens: usize| -> Result<Option<f64>> {
        let (start, mut times) = (Instant::now(), Vec::new());
        let mut on_step = |_| {
            times.push(start.elapsed().as_secs_f64());
            true
        };
        drive(gpu, clip.beam_search(&prompt, BEAMS, tokens, &mut on_step))??;
        // The first step's plan is built after the first call.
        let [_, first, .., last] = times[..] else { return Ok(None) };
        Ok(Some((last - first) / (times.len() - 2) as f64))
    };
    search(3)?; // compiles kernels
    Ok(search(workload.tokens.max(4))?.map(|seconds_per_token| {
        let ratio = seconds_per_token / greedy.seconds_per_token;
        Beams { count: BEAMS, windows: greedy.windows, seconds_per_token, ratio }
    }))
}
