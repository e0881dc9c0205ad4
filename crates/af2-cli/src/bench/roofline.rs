//! The roofline: the least time of each part on a device of given rates.

use af2_core::config::ModelConfig;
use serde::Serialize;

/// Tokens of a window of audio, and patches per side at the encoder's first stage.
const TOKENS: u64 = 64;
const GRID: u64 = 64;

/// Multiply-accumulates of the parts of a model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Work {
    /// Encoding one window, without the spectrogram.
    pub encoder_macs: u64,
    /// One prompt token through all layers, the head left out.
    pub prompt_token_macs: u64,
    /// Weights' part of one decoded token, the head included.
    pub token_macs: u64,
}

impl Work {
    /// Counts from the dimensions.
    pub fn of(config: &ModelConfig) -> Self {
        let (layers, blocks, head) = decoder(config);
        Self { encoder_macs: encoder(config), prompt_token_macs: layers + blocks, token_macs: layers + blocks + head }
    }

    /// Audio transformer and the keys and values of every block, for so many windows.
    pub fn audio_kv_macs(config: &ModelConfig, windows: u64) -> u64 {
        let audio = &config.audio_transformer;
        let (d, inner, t) = (audio.d_model as u64, audio.d_inner as u64, TOKENS * windows);
        let layer = (4 * d * d + 2 * d * inner) * t + 2 * t * t * d;
        let kv = blocks(config) * 2 * config.cross_attention.inner_dim() as u64 * d * t;
        audio.n_layers as u64 * layer + kv
    }
}

fn blocks(config: &ModelConfig) -> u64 {
    let layers = config.text.num_hidden_layers;
    (0..layers).filter(|layer| config.cross_attention.present_at(*layer)).count() as u64
}

fn encoder(config: &ModelConfig) -> u64 {
    let encoder = &config.encoder;
    let mut macs = GRID * GRID * 16 * encoder.embed_dim as u64;
    for (stage, depth) in encoder.depths.iter().enumerate() {
        let (n, c) = ((GRID >> stage).pow(2), (encoder.embed_dim as u64) << stage);
        let mlp = encoder.mlp_dims[stage] as u64;
        macs += *depth as u64 * (4 * c * c * n + 2 * c * mlp * n + 2 * TOKENS * c * n);
        if stage + 1 < encoder.depths.len() {
            macs += n / 4 * 4 * c * 2 * c;
        }
    }
    macs
}

/// Layers, cross-attention blocks and head, per token.
fn decoder(config: &ModelConfig) -> (u64, u64, u64) {
    let text = &config.text;
    let (h, head_dim) = (text.hidden_size as u64, text.head_dim as u64);
    let (q, kv) = (text.num_attention_heads as u64, text.num_key_value_heads as u64);
    let layer = h * head_dim * (2 * q + 2 * kv) + 3 * h * text.intermediate_size as u64;
    let cross = &config.cross_attention;
    let block = 2 * h * cross.inner_dim() as u64 + 2 * h * cross.ff_inner as u64;
    (text.num_hidden_layers as u64 * layer, blocks(config) * block, h * text.vocab_size as u64)
}

/// A device, by two rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Bytes per second that reading weights reaches.
    pub bytes_per_second: f64,
    /// Floating-point operations per second of matmuls.
    pub flops_per_second: f64,
}

impl std::str::FromStr for Device {
    type Err = String;

    /// `GB/S,GFLOP/S`, for example `400,8000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || format!("'{text}' is not GB/S,GFLOP/S, for example 400,8000");
        let (bytes, flops) = text.split_once(',').ok_or_else(problem)?;
        let rate = |text: &str| text.trim().parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
        let (bytes, flops) = (rate(bytes).ok_or_else(problem)?, rate(flops).ok_or_else(problem)?);
        Ok(Self { bytes_per_second: bytes * 1e9, flops_per_second: flops * 1e9 })
    }
}

/// The least time each part can take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Roofline {
    /// Encoding one window.
    pub encode_seconds: f64,
    /// Audio transformer, keys and values of one window, and of 30.
    pub audio_kv_seconds: [f64; 2],
    /// A prompt of 40 tokens, its first token included.
    pub prompt_seconds: f64,
    /// Each further token, with one window and with 30.
    pub token_seconds: [f64; 2],
    /// Their inverse.
    pub tokens_per_second: [f64; 2],
}

impl Roofline {
    /// The longer of reading and multiplying, for each part.
    pub fn predict(config: &ModelConfig, weight_bytes: u64, window_bytes: u64, device: Device) -> Self {
        let work = Work::of(config);
        let multiply = |macs: u64| 2.0 * macs as f64 / device.flops_per_second;
        let read = |windows: u64| (weight_bytes + windows * window_bytes) as f64 / device.bytes_per_second;
        let token_seconds = [1, 30].map(|windows| read(windows).max(multiply(work.token_macs)));
        Self {
            encode_seconds: multiply(work.encoder_macs),
            audio_kv_seconds: [1, 30].map(|windows| multiply(Work::audio_kv_macs(config, windows))),
            prompt_seconds: read(1).max(multiply(39 * work.prompt_token_macs + work.token_macs)),
            token_seconds,
            tokens_per_second: token_seconds.map(|seconds| 1.0 / seconds),
        }
    }
}
