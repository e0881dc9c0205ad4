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
use crate::packed::numbers;
use crate::plain_swin::{self, Parts};
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
    /// The same on plain numbers, where all matrices are multiplied in integers.
    plain: Option<plain_swin::Stage>,
}

impl SwinStage {
    pub fn load(scope: &Scope<'_>, config: &EncoderConfig, stage: usize) -> Result<Self, CpuError> {
        let (side, heads) = (GRID_SIDE >> stage, config.num_heads[stage]);
        let block = |number: usize| {
            let shift = if number % 2 == 1 && side > WINDOW { WINDOW / 2 } else { 0 };
            SwinBlock::load(&scope.at(&format!("blocks.{number}")), side, heads, shift)
        };
        let merging = stage + 1 < config.depths.len();
        let mut stage = Self {
            blocks: (0..config.depths[stage]).map(block).collect::<Result<_, _>>()?,
            downsample: merging.then(|| PatchMerging::load(&scope.at("downsample"))).transpose()?,
            plain: None,
        };
        stage.plain = stage.plain(side);
        Ok(stage)
    }

    fn plain(&self, side: usize) -> Option<plain_swin::Stage> {
        let downsample = match &self.downsample {
            Some(downsample) => Some(downsample.plain()?),
            None => None,
        };
        let blocks = self.blocks.iter().map(|block| block.plain(side)).collect::<Option<_>>()?;
        Some(plain_swin::Stage { blocks, downsample })
    }

    /// [n, side, side, C] to [n, side/2, side/2, 2C], or to the same shape in the last stage.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.plain {
            Some(plain) => {
                let ([count, side, _, channels], device) = (x.dims(), x.device());
                let y = plain.forward(numbers(x), side);
                let shrink = if self.downsample.is_some() { 2 } else { 1 };
                let shape = [count, side / shrink, side / shrink, channels * shrink];
                Tensor::from_data(TensorData::new(y, shape), &device)
            }
            None => self.tensors(x),
        }
    }

    /// The same with a tensor for every operation.
    fn tensors(&self, x: Tensor<4>) -> Tensor<4> {
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
    /// Relative position bias, [1, 1, heads, 64, 64].
    table: Tensor<5>,
    /// Mask of the shift, [1, windows, 1, 64, 64].
    mask: Option<Tensor<5>>,
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
        Ok(Self {
            norm1: LayerNorm::load(scope, "norm1", EPS)?,
            qkv: Linear::load(scope, "attn.qkv")?,
            table: relative_position_bias(scope.tensor("attn.relative_position_bias_table")?),
            mask: (shift > 0).then(|| shift_mask(side, shift, scope.device())),
            proj: Linear::load(scope, "attn.proj")?,
            norm2: LayerNorm::load(scope, "norm2", EPS)?,
            fc1: Linear::load(scope, "mlp.fc1")?,
            fc2: Linear::load(scope, "mlp.fc2")?,
            heads,
            shift,
        })
    }

    fn plain(&self, side: usize) -> Option<plain_swin::Block> {
        plain_swin::Block::new(Parts {
            norms: [self.norm1.plain(), self.norm2.plain()],
            linears: [self.qkv.plain(), self.proj.plain(), self.fc1.plain(), self.fc2.plain()],
            table: numbers(self.table.clone()),
            mask: self.mask.clone().map(numbers),
            heads: self.heads,
            side,
            shift: self.shift,
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
        let bias = match &self.mask {
            Some(mask) => self.table.clone() + mask.clone(),
            None => self.table.clone(),
        };
        let attended = attention(q, k, v, Some(bias));
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

    fn plain(&self) -> Option<plain_swin::Merging> {
        plain_swin::Merging::new(self.norm.plain(), self.reduction.plain())
    }

    /// [n, side, side, C] to [n, side/2, side/2, 2C]; of the four, the row offset varies first.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [count, side, _, channels] = x.dims();
        let half = side / 2;
        let corners = x.reshape([count, half, 2, half, 2, channels]).permute([0, 1, 3, 4, 2, 5]);
        self.reduction.forward(self.norm.forward(corners.reshape([count, half, half, 4 * channels])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;
    use crate::packed::{Instructions, PackedMatrix};
    use af2_core::weights::Scheme;
    use std::sync::Arc;

    fn values(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (step * i as f32).sin()).collect()
    }

    fn tensor<const D: usize>(shape: [usize; D], step: f32) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values(shape.iter().product(), step), shape), &Device::flex())
    }

    fn linear(scheme: Scheme, rows: usize, cols: usize, step: f32) -> Linear {
        let weights: Vec<f32> = values(rows * cols, step).iter().map(|weight| weight / (cols as f32).sqrt()).collect();
        let packed = scheme.pack(rows, cols, &weights).unwrap();
        let weight = PackedMatrix::new(scheme, [rows, cols], packed.data, packed.scales).unwrap();
        Linear::of(Matrix::Packed(Arc::new(weight))).with_bias(tensor([rows], step + 0.3))
    }

    /// Two blocks of 64 channels on a grid of 16 × 16, the second shifted, and a merging.
    fn stage(scheme: Scheme, heads: usize) -> SwinStage {
        let norm = |width, step| LayerNorm::of(tensor([width], step), tensor([width], step + 0.1), EPS);
        let block = |shift, step: f32| SwinBlock {
            norm1: norm(64, step),
            qkv: linear(scheme, 192, 64, step + 0.2),
            table: relative_position_bias(tensor([225, heads], step + 0.3)),
            mask: (shift > 0).then(|| shift_mask(16, shift, &Device::flex())),
            proj: linear(scheme, 64, 64, step + 0.4),
            norm2: norm(64, step + 0.5),
            fc1: linear(scheme, 256, 64, step + 0.6),
            fc2: linear(scheme, 64, 256, step + 0.7),
            heads,
            shift,
        };
        let downsample = PatchMerging { norm: norm(256, 1.9), reduction: linear(scheme, 128, 256, 2.3) };
        SwinStage { blocks: vec![block(0, 0.7), block(4, 1.3)], downsample: Some(downsample), plain: None }
    }

    #[test]
    fn plain_numbers_give_what_tensors_give() {
        for (scheme, heads) in [(Scheme::Q8, 1), (Scheme::Q8, 4), (Scheme::Q4, 2)] {
            let stage = stage(scheme, heads);
            let Some(plain) = stage.plain(16) else {
                assert!(!Instructions::found().tile(), "{scheme}, {heads} heads");
                continue;
            };
            let x = tensor([3, 16, 16, 64], 0.77);
            let found = plain.forward(numbers(x.clone()), 16);
            let expected = numbers(stage.tensors(x));
            assert_eq!(found.len(), 3 * 64 * 128);
            let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let peak = expected.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
            assert!(apart < 1e-4 * peak, "{scheme}, {heads} heads: {apart:e} of {peak}");
        }
    }

    #[test]
    fn matrices_of_floating_point_numbers_are_left_to_tensors() {
        assert!(stage(Scheme::F16, 2).plain(16).is_none());
        assert!(stage(Scheme::Q8, 16).plain(16).is_none(), "heads of four channels fill no vector");
    }
}
