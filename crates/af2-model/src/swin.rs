//! The Swin transformer of HTSAT (Liu et al. 2021; Chen et al. 2022): stages of shifted-window blocks, with patch merging between them.
//!
//! ```text
//! x [side², C] ── norm1 ── qkv(C→3C) ── window attention ── proj(C→C) ──(+)── norm2 ── fc1(C→4C) ── GELU ── fc2(4C→C) ──(+)── x
//! patch merging: [side², C] ── gather 2 × 2 [side² / 4, 4C] ── norm ── reduction(4C→2C)
//!
//! stage   side   C      blocks   heads of 64      windows of 8 × 8 tokens, shifted by 4 in every second block, not in stage 3
//! 0       64     256    2        4
//! 1       32     512    2        8
//! 2       16     1024   12       16
//! 3       8      2048   2        32
//! ```

use af2_core::config::EncoderConfig;
use af2_gpu::ops::layer_norm::{NormBuffers, layer_norm};
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::patch_merge::patch_merge;
use af2_gpu::ops::window_attention::{Grid, WINDOW, window_attention};
use af2_gpu::ops::{Activation, Epilogue, Store};
use af2_gpu::{Buffer, Gpu, GpuError, PlanBuilder};

use crate::weights::{Downsample, SwinBlock, SwinStage};

/// Epsilon of every norm of the encoder.
pub(crate) const EPS: f32 = 1e-5;
/// Tokens per side after the patch embedding.
pub(crate) const GRID_SIDE: usize = 64;

/// Activations of all stages; each buffer holds the largest stage.
pub(crate) struct SwinScratch {
    /// The residual stream, [tokens, C].
    pub x: Buffer,
    /// `x` after a norm, or the gathered patches after theirs.
    pub normed: Buffer,
    /// The gathered patches of a merging, before their norm.
    pub merged: Buffer,
    /// q, k and v, [tokens, 3C].
    pub qkv: Buffer,
    /// Output of the attention, [tokens, C].
    pub attended: Buffer,
    /// Feed-forward activations, [tokens, 4C].
    pub hidden: Buffer,
}

impl SwinScratch {
    pub fn new(gpu: &Gpu, config: &EncoderConfig, windows: usize) -> Result<Self, GpuError> {
        let tokens = |stage: usize| windows * (GRID_SIDE >> stage).pow(2);
        let widest = |width: &dyn Fn(usize) -> usize| {
            (0..config.depths.len()).map(|stage| tokens(stage) * width(stage)).max().unwrap_or(0)
        };
        let channels = |stage: usize| config.embed_dim << stage;
        let storage = |label: &str, elements: usize| gpu.storage(label, 4 * elements as u64);
        let x = widest(&channels);
        Ok(Self {
            x: storage("swin x", x)?,
            normed: storage("swin normed", x)?,
            merged: storage("swin merged", x)?,
            qkv: storage("swin qkv", 3 * x)?,
            attended: storage("swin attended", x)?,
            hidden: storage("swin hidden", widest(&|stage| config.mlp_dims[stage]))?,
        })
    }
}

/// Size of one stage.
#[derive(Clone, Copy)]
struct Stage {
    windows: usize,
    side: usize,
    channels: usize,
    heads: usize,
}

impl Stage {
    fn tokens(&self) -> usize {
        self.windows * self.side * self.side
    }
}

/// Appends all stages; `scratch.x` holds [windows · 4096, E] before and [windows · 64, D] after.
pub(crate) fn swin(
    plan: &mut PlanBuilder,
    config: &EncoderConfig,
    layers: &[SwinStage],
    scratch: &SwinScratch,
    windows: usize,
) -> Result<(), GpuError> {
    for (index, layer) in layers.iter().enumerate() {
        let channels = config.embed_dim << index;
        let stage = Stage { windows, side: GRID_SIDE >> index, channels, heads: config.num_heads[index] };
        for (number, block) in layer.blocks.iter().enumerate() {
            let shifted = number % 2 == 1 && stage.side > WINDOW;
            swin_block(plan, &format!("layers.{index}.blocks.{number}"), block, scratch, stage, shifted)?;
        }
        let mut shape = [windows, stage.side * stage.side, channels];
        if let Some(downsample) = &layer.downsample {
            patch_merging(plan, &format!("layers.{index}.downsample"), downsample, scratch, stage)?;
            shape = [windows, stage.side * stage.side / 4, 2 * channels];
        }
        plan.tap(&format!("swin_stage{index}"), &scratch.x, &shape)?;
    }
    Ok(())
}

fn swin_block(
    plan: &mut PlanBuilder,
    name: &str,
    block: &SwinBlock,
    s: &SwinScratch,
    stage: Stage,
    shifted: bool,
) -> Result<(), GpuError> {
    let (rows, channels) = (stage.tokens(), stage.channels);
    let label = |part: &str| format!("{name}.{part}");
    let shift = if shifted { WINDOW / 2 } else { 0 };
    let grid = Grid { images: stage.windows, side: stage.side, channels, heads: stage.heads, shift };
    let add = |bias| Epilogue { bias: Some(bias), store: Store::Add, ..Epilogue::default() };
    let gelu = Epilogue { bias: Some(&block.fc1_bias), activation: Activation::Gelu, store: Store::Write };
    let norm = |norm| NormBuffers { x: &s.x, norm, out: &s.normed };

    layer_norm(plan, &label("norm1"), norm(&block.norm1), [rows, channels], EPS, 1.0)?;
    let qkv = Matmul { x: &s.normed, w: &block.qkv, out: &s.qkv, rows };
    matmul(plan, &label("attn.qkv"), qkv, &Epilogue::bias(&block.qkv_bias))?;
    window_attention(plan, &label("attn"), &s.qkv, &block.relative_position_bias_table, &s.attended, grid)?;
    let proj = Matmul { x: &s.attended, w: &block.proj, out: &s.x, rows };
    matmul(plan, &label("attn.proj"), proj, &add(&block.proj_bias))?;
    layer_norm(plan, &label("norm2"), norm(&block.norm2), [rows, channels], EPS, 1.0)?;
    matmul(plan, &label("mlp.fc1"), Matmul { x: &s.normed, w: &block.fc1, out: &s.hidden, rows }, &gelu)?;
    let fc2 = Matmul { x: &s.hidden, w: &block.fc2, out: &s.x, rows };
    matmul(plan, &label("mlp.fc2"), fc2, &add(&block.fc2_bias))
}

fn patch_merging(
    plan: &mut PlanBuilder,
    name: &str,
    weights: &Downsample,
    s: &SwinScratch,
    stage: Stage,
) -> Result<(), GpuError> {
    let (tokens, width) = (stage.tokens() / 4, 4 * stage.channels);
    patch_merge(plan, name, &s.x, &s.merged, stage.windows, stage.side, stage.channels)?;
    let norm = NormBuffers { x: &s.merged, norm: &weights.norm, out: &s.normed };
    layer_norm(plan, &format!("{name}.norm"), norm, [tokens, width], EPS, 1.0)?;
    let reduction = Matmul { x: &s.normed, w: &weights.reduction, out: &s.x, rows: tokens };
    matmul(plan, &format!("{name}.reduction"), reduction, &Epilogue::default())
}
