//! The Swin transformer of HTSAT (Liu et al. 2021; Chen et al. 2022): stages of shifted-window blocks with patch merging between.
//!
//! ```text
//! x ── norm1 ── qkv ── window attention ── proj ──(+)── norm2 ── fc1 ── GELU ── fc2 ──(+)── x
//! ```
//!
//! | stage | grid | C | heads | blocks | qkv | fc1 | merging |
//! |---|---|---|---|---|---|---|---|
//! | 0 | 64 × 64 | 256 | 4 | 2 | 256→768 | 256→1024 | 1024→512 |
//! | 1 | 32 × 32 | 512 | 8 | 2 | 512→1536 | 512→2048 | 2048→1024 |
//! | 2 | 16 × 16 | 1024 | 16 | 12 | 1024→3072 | 1024→4096 | 4096→2048 |
//! | 3 | 8 × 8 | 2048 | 32 | 2 | 2048→6144 | 2048→8192 | none |

use af2_core::config::EncoderConfig;
use af2_core::engine::{GRID_SIDE, WINDOW};
use burn_tensor::activation::gelu;
use burn_tensor::{Device, Int, Tensor, TensorData};

use crate::CpuError;
use crate::attention::attention;
use crate::layers::{LayerNorm, Linear};
use crate::weights::Scope;

/// Epsilon of every norm of the encoder.
pub(crate) const EPS: f64 = 1e-5;
/// Tokens of an attention window.
const AREA: usize = WINDOW * WINDOW;
/// Added to the logit of two tokens that were not neighbours before the shift.
const FAR: f32 = -100.0;

/// Blocks at one resolution, and the merging that follows all but the last.
pub(crate) struct SwinStage {
    blocks: Vec<SwinBlock>,
    downsample: Option<PatchMerging>,
}

impl SwinStage {
    pub fn load(scope: &Scope<'_>, config: &EncoderConfig, stage: usize) -> Result<Self, CpuError> {
        let (side, heads) = (GRID_SIDE >> stage, config.num_heads[stage]);
        let block = |number: usize| {
            let shift = if number % 2 == 1 && side > WINDOW { WINDOW / 2 } else { 0 };
            SwinBlock::load(&scope.at(&format!("blocks.{number}")), side, heads, shift)
        };
        let merging = stage + 1 < config.depths.len();
        Ok(Self {
            blocks: (0..config.depths[stage]).map(block).collect::<Result<_, _>>()?,
            downsample: merging.then(|| PatchMerging::load(&scope.at("downsample"))).transpose()?,
        })
    }

    /// [n, side, side, C] to [n, side/2, side/2, 2C], or to the same shape in the last stage.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        match &self.downsample {
            Some(downsample) => downsample.forward(x),
            None => x,
        }
    }
}

struct SwinBlock {
    norm1: LayerNorm,
    qkv: Linear,
    /// Relative position bias and mask of the shift, [1, windows or 1, heads, 64, 64].
    bias: Tensor<5>,
    proj: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    /// Tokens by which the grid is rolled, up and to the left.
    shift: usize,
}

impl SwinBlock {
    fn load(scope: &Scope<'_>, side: usize, heads: usize, shift: usize) -> Result<Self, CpuError> {
        let table = relative_position_bias(scope.tensor("attn.relative_position_bias_table")?);
        let bias = if shift > 0 { table + shift_mask(side, shift, scope.device()) } else { table };
        Ok(Self {
            norm1: LayerNorm::load(scope, "norm1", EPS)?,
            qkv: Linear::load(scope, "attn.qkv")?,
            bias,
            proj: Linear::load(scope, "attn.proj")?,
            norm2: LayerNorm::load(scope, "norm2", EPS)?,
            fc1: Linear::load(scope, "mlp.fc1")?,
            fc2: Linear::load(scope, "mlp.fc2")?,
            heads,
            shift,
        })
    }

    /// [n, side, side, C] to the same.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let side = x.dims()[1];
        let windows = partition(roll(self.norm1.forward(x.clone()), side - self.shift));
        let x = x + roll(unpartition(self.window_attention(windows), side), self.shift);
        x.clone() + self.fc2.forward(gelu(self.fc1.forward(self.norm2.forward(x))))
    }

    /// [n, windows, 64, C] to the same; every window attends to itself.
    fn window_attention(&self, x: Tensor<4>) -> Tensor<4> {
        let [count, windows, _, channels] = x.dims();
        let split = [count, windows, AREA, 3 * self.heads, channels / self.heads];
        let qkv = self.qkv.forward(x).reshape(split).swap_dims(2, 3);
        let [q, k, v] = [0, 1, 2].map(|part| qkv.clone().narrow(2, part * self.heads, self.heads));
        let attended = attention(q, k, v, Some(self.bias.clone()));
        self.proj.forward(attended.swap_dims(2, 3).reshape([count, windows, AREA, channels]))
    }
}

/// Rolls both axes of the grid [n, side, side, C] forwards by `shift`, less than twice the side.
fn roll(x: Tensor<4>, shift: usize) -> Tensor<4> {
    let side = x.dims()[1];
    let roll_axis = |x: Tensor<4>, axis: usize| {
        let rest = side - shift % side;
        if rest == side {
            return x;
        }
        Tensor::cat(vec![x.clone().narrow(axis, rest, side - rest), x.narrow(axis, 0, rest)], axis)
    };
    roll_axis(roll_axis(x, 1), 2)
}

/// [n, side, side, C] to [n, windows, 64, C].
fn partition(x: Tensor<4>) -> Tensor<4> {
    let [count, side, _, channels] = x.dims();
    let per_side = side / WINDOW;
    x.reshape([count, per_side, WINDOW, per_side, WINDOW, channels]).swap_dims(2, 3).reshape([
        count,
        per_side * per_side,
        AREA,
        channels,
    ])
}

/// [n, windows, 64, C] to [n, side, side, C].
fn unpartition(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [count, _, _, channels] = x.dims();
    let per_side = side / WINDOW;
    x.reshape([count, per_side, per_side, WINDOW, WINDOW, channels])
        .swap_dims(2, 3)
        .reshape([count, side, side, channels])
}

/// From the table [225, heads] to [1, 1, heads, 64, 64]: entry (y_i − y_j + 7)·15 + (x_i − x_j + 7) for tokens i and j.
fn relative_position_bias(table: Tensor<2>) -> Tensor<5> {
    let offset = |i: usize, j: usize| i + WINDOW - 1 - j;
    let entry = |i: usize, j: usize| offset(i / WINDOW, j / WINDOW) * (2 * WINDOW - 1) + offset(i % WINDOW, j % WINDOW);
    let entries: Vec<i64> = (0..AREA * AREA).map(|pair| entry(pair / AREA, pair % AREA) as i64).collect();
    let entries = Tensor::<1, Int>::from_data(TensorData::new(entries, [AREA * AREA]), &table.device());
    let heads = table.dims()[1];
    table.select(0, entries).transpose().reshape([1, 1, heads, AREA, AREA])
}

/// [1, windows, 1, 64, 64]: on the rolled grid, tokens from opposite sides of the image do not attend to each other.
fn shift_mask(side: usize, shift: usize, device: &Device) -> Tensor<5> {
    let label = |position: usize| usize::from(position >= side - WINDOW) + usize::from(position >= side - shift);
    let per_side = side / WINDOW;
    let region = |window: usize, token: usize| {
        let (y, x) = (window / per_side * WINDOW + token / WINDOW, window % per_side * WINDOW + token % WINDOW);
        (label(y), label(x))
    };
    let mut mask = Vec::with_capacity(per_side * per_side * AREA * AREA);
    for window in 0..per_side * per_side {
        for pair in 0..AREA * AREA {
            let apart = region(window, pair / AREA) != region(window, pair % AREA);
            mask.push(if apart { FAR } else { 0.0 });
        }
    }
    Tensor::from_data(TensorData::new(mask, [1, per_side * per_side, 1, AREA, AREA]), device)
}

/// Four neighbouring tokens become one of twice the width.
struct PatchMerging {
    norm: LayerNorm,
    reduction: Linear,
}

impl PatchMerging {
    fn load(scope: &Scope<'_>) -> Result<Self, CpuError> {
        let reduction = Linear::load_without_bias(scope, "reduction")?;
        Ok(Self { norm: LayerNorm::load(scope, "norm", EPS)?, reduction })
    }

    /// [n, side, side, C] to [n, side/2, side/2, 2C]; of the four, the row offset varies first.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [count, side, _, channels] = x.dims();
        let half = side / 2;
        let corners = x.reshape([count, half, 2, half, 2, channels]).permute([0, 1, 3, 4, 2, 5]);
        self.reduction.forward(self.norm.forward(corners.reshape([count, half, half, 4 * channels])))
    }
}
