//! HTSAT (Chen et al. 2022): a window of 10 s becomes 64 tokens of 2048. 271 M parameters, 60 G multiply-adds per window.
//!
//! ```text
//! samples [160000] ── |STFT(n_fft 1024, hop 160)|² [1001, 513] ── log-mel [1001, 64] ── batch norm, bicubic, fold [256, 256]
//!   ── conv2d(1→256, k=4, s=4), layer norm [4096, 256] ── 4 Swin stages [64, 2048] ── layer norm ── token order [64, 2048]
//! ```

use af2_core::config::ModelConfig;
use af2_core::engine::TOKENS_PER_WINDOW;
use af2_gpu::ops::check_finite::check_finite;
use af2_gpu::ops::fold_image::{FoldShape, FoldTables, fold_image};
use af2_gpu::ops::layer_norm::{NormBuffers, layer_norm};
use af2_gpu::ops::log_mel::{LogMelBuffers, log_mel};
use af2_gpu::ops::patch_embed::{PatchEmbedBuffers, patch_embed};
use af2_gpu::ops::power_spectrum::{StftShape, power_spectrum};
use af2_gpu::ops::reorder_tokens::reorder_tokens;
use af2_gpu::{Buffer, Gpu, GpuError, Plan, PlanBuilder, Taps};

use crate::frontend::{Frontend, IMAGE_SIDE};
use crate::swin::{EPS, GRID_SIDE, SwinScratch, swin};
use crate::weights::Encoder;

/// The encoder for a fixed number of windows at a time.
pub(crate) struct EncoderPlan {
    /// Windows per run.
    pub windows: usize,
    /// Audio samples, [windows, samples]; written by the host before each run.
    pub audio: Buffer,
    /// Output of the last run, [windows · 64, D].
    pub tokens: Buffer,
    /// 1 once a run gave a token that is not finite.
    pub flag: Buffer,
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
        let audio = storage("audio", windows * frontend.samples)?;
        let power = storage("power spectrum", windows * frames * bins)?;
        let logmel = storage("log-mel", windows * frames * mels)?;
        let image = storage("image", windows * IMAGE_SIDE * IMAGE_SIDE)?;
        let tokens = storage("encoder tokens", windows * TOKENS_PER_WINDOW * width)?;
        let scratch = SwinScratch::new(gpu, &config.encoder, windows)?;

        let n_fft = frontend.settings.n_fft;
        let shape = StftShape { windows, samples: frontend.samples, frames, hop: frontend.settings.hop_length, n_fft };
        power_spectrum(&mut plan, &audio, &frontend.hann, &frontend.twiddle, &power, shape)?;
        let buffers = LogMelBuffers { power: &power, bank: &frontend.bank, support: &frontend.support, out: &logmel };
        log_mel(&mut plan, buffers, windows * frames, mels, bins)?;
        plan.tap("logmel", &logmel, &[windows, frames, mels])?;
        let tables = FoldTables { batch_norm: &weights.bn0, taps: &frontend.taps, tap_weights: &frontend.tap_weights };
        let fold = FoldShape { windows, frames, n_mels: mels, side: IMAGE_SIDE };
        fold_image(&mut plan, &logmel, tables, &image, fold)?;
        plan.tap("image", &image, &[windows, IMAGE_SIDE, IMAGE_SIDE])?;

        let patches = windows * GRID_SIDE * GRID_SIDE;
        let (weight, bias) = (&weights.patch_embed_proj, &weights.patch_embed_proj_bias);
        let buffers = PatchEmbedBuffers { image: &image, weight, bias, out: &scratch.normed };
        patch_embed(&mut plan, buffers, windows, IMAGE_SIDE, embed)?;
        let buffers = NormBuffers { x: &scratch.normed, norm: &weights.patch_embed_norm, out: &scratch.x };
        layer_norm(&mut plan, "patch_embed.norm", buffers, [patches, embed], EPS, 1.0)?;
        plan.tap("patch_embed", &scratch.x, &[windows, GRID_SIDE * GRID_SIDE, embed])?;
        swin(&mut plan, &config.encoder, &weights.layers, &scratch, windows)?;

        let rows = windows * TOKENS_PER_WINDOW;
        let buffers = NormBuffers { x: &scratch.x, norm: &weights.norm, out: &scratch.normed };
        layer_norm(&mut plan, "norm", buffers, [rows, width], EPS, 1.0)?;
        plan.tap("swin_norm", &scratch.normed, &[windows, TOKENS_PER_WINDOW, width])?;
        reorder_tokens(&mut plan, &scratch.normed, &tokens, windows, width)?;
        plan.tap("encoder_tokens", &tokens, &[windows, TOKENS_PER_WINDOW, width])?;
        let flag = storage("encoder flag", 1)?;
        check_finite(&mut plan, "check", &tokens, &flag, rows * width)?;
        Ok(Self { windows, audio, tokens, flag, plan: plan.finish()? })
    }
}
