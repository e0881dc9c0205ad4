//! HTSAT: from samples to 64 tokens per window.
//!
//! ```text
//! samples ── |STFT|² ── log-mel ── batch norm, bicubic, fold ── patch embedding ── Swin stages ── norm ── token order
//! ```

use af2_core::config::ModelConfig;
use af2_gpu::ops::fold_image::{FoldTables, fold_image};
use af2_gpu::ops::layer_norm::layer_norm;
use af2_gpu::ops::log_mel::log_mel;
use af2_gpu::ops::patch_embed::patch_embed;
use af2_gpu::ops::power_spectrum::{StftShape, power_spectrum};
use af2_gpu::ops::reorder_tokens::reorder_tokens;
use af2_gpu::{Buffer, Gpu, GpuError, Plan, PlanBuilder, Taps};

use crate::frontend::{Frontend, IMAGE_SIDE};
use crate::swin::{EPS, GRID_SIDE, SwinScratch, swin};
use crate::weights::Encoder;

/// Tokens that a window becomes.
pub(crate) const TOKENS_PER_WINDOW: usize = 64;

/// The encoder for a fixed number of windows at a time.
pub(crate) struct EncoderPlan {
    /// Windows per run.
    pub windows: usize,
    /// Samples, [windows, samples]; written by the host before each run.
    pub sound: Buffer,
    /// Log-mel of the last run in dB, [windows, frames, mels].
    pub logmel: Buffer,
    /// Output of the last run, [windows · 64, D].
    pub tokens: Buffer,
    pub plan: Plan,
}

impl EncoderPlan {
    pub fn new(
        gpu: &Gpu,
        config: &ModelConfig,
        frontend: &Frontend,
        weights: &Encoder,
        windows: usize,
        taps: Option<&Taps>,
    ) -> Result<Self, GpuError> {
        let mut plan = PlanBuilder::new(gpu, "encoder", taps);
        let storage = |label: &str, elements: usize| gpu.storage(label, 4 * elements as u64);
        let (frames, mels, bins) = (frontend.frames, frontend.settings.n_mels, frontend.bins());
        let embed = config.encoder.embed_dim;
        let width = config.encoder.output_dim();
        let sound = storage("sound", windows * frontend.samples)?;
        let power = storage("power spectrum", windows * frames * bins)?;
        let logmel = storage("log-mel", windows * frames * mels)?;
        let image = storage("image", windows * IMAGE_SIDE * IMAGE_SIDE)?;
        let tokens = storage("encoder tokens", windows * TOKENS_PER_WINDOW * width)?;
        let scratch = SwinScratch::new(gpu, &config.encoder, windows)?;

        let n_fft = frontend.settings.n_fft;
        let shape = StftShape { windows, samples: frontend.samples, frames, hop: frontend.settings.hop_length, n_fft };
        power_spectrum(&mut plan, &sound, &frontend.hann, &frontend.twiddle, &power, shape)?;
        log_mel(&mut plan, &power, &frontend.bank, &frontend.support, &logmel, windows * frames, mels, bins)?;
        plan.tap("logmel", &logmel, &[windows, frames, mels])?;
        let tables = FoldTables { batch_norm: &weights.bn0, taps: &frontend.taps, tap_weights: &frontend.tap_weights };
        fold_image(&mut plan, &logmel, tables, &image, windows, frames, mels, IMAGE_SIDE)?;
        plan.tap("image", &image, &[windows, IMAGE_SIDE, IMAGE_SIDE])?;

        let patches = windows * GRID_SIDE * GRID_SIDE;
        let (proj, bias) = (&weights.patch_embed_proj, &weights.patch_embed_proj_bias);
        patch_embed(&mut plan, &image, proj, bias, &scratch.normed, windows, IMAGE_SIDE, embed)?;
        let norm = &weights.patch_embed_norm;
        layer_norm(&mut plan, "patch_embed.norm", &scratch.normed, norm, &scratch.x, [patches, embed], EPS, 1.0)?;
        plan.tap("patch_embed", &scratch.x, &[windows, GRID_SIDE * GRID_SIDE, embed])?;
        swin(&mut plan, &config.encoder, &weights.layers, &scratch, windows)?;

        let rows = windows * TOKENS_PER_WINDOW;
        layer_norm(&mut plan, "norm", &scratch.x, &weights.norm, &scratch.normed, [rows, width], EPS, 1.0)?;
        plan.tap("swin_norm", &scratch.normed, &[windows, TOKENS_PER_WINDOW, width])?;
        reorder_tokens(&mut plan, &scratch.normed, &tokens, windows, width)?;
        plan.tap("encoder_tokens", &tokens, &[windows, TOKENS_PER_WINDOW, width])?;
        Ok(Self { windows, sound, logmel, tokens, plan: plan.finish()? })
    }
}
