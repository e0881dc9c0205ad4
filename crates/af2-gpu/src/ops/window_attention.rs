//! Shifted-window attention of a Swin block.

use super::odd_heads;
use crate::plan::params;
use crate::shader::attention;
use crate::texels::{Texel, Texels};
use crate::{Buffer, Dispatch, GpuError, MatmulKernel, PlanBuilder};

params! {
    WindowAttentionParams { side: u32, channels: u32, heads: u32, shift: u32, windows: u32, scale: f32 }
}

/// Tokens per side of an attention window.
pub const WINDOW: usize = 8;

/// The grid of tokens that [`window_attention`] works on.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// Images in the batch.
    pub images: usize,
    /// Tokens per side; a multiple of 8.
    pub side: usize,
    /// Channels C.
    pub channels: usize,
    /// Heads; a divisor of C.
    pub heads: usize,
    /// Cyclic shift: 4, or 0 for none.
    pub shift: usize,
}

/// `out_i = Σ_j softmax_j(q_i · k_j / √head_dim + table[rel(i, j), head] + mask(i, j)) v_j` inside 8 × 8 windows of the shifted grid; rel:
/// relative position, mask: −100 between tokens that only the shift brought together. Tokens stay in grid order.
///
/// # Shapes
/// `qkv` [images · side², 3C], `table` [225, heads], `out` [images · side², C].
///
/// # Errors
/// The device allows no such grid.
pub fn window_attention(
    plan: &mut PlanBuilder,
    label: &str,
    qkv: &Buffer,
    table: &Buffer,
    out: &Buffer,
    grid: Grid,
) -> Result<(), GpuError> {
    let windows = grid.images * (grid.side / WINDOW).pow(2);
    let head_dim = grid.channels / grid.heads;
    let others = [("table", table), ("out", out)];
    let mut dispatch = Dispatch {
        label: label.into(),
        shader: &attention::WINDOW_ATTENTION_F32,
        constants: &[odd_heads(head_dim)],
        params: WindowAttentionParams {
            side: grid.side as u32,
            channels: grid.channels as u32,
            heads: grid.heads as u32,
            shift: grid.shift as u32,
            windows: windows as u32,
            scale: 1.0 / (head_dim as f32).sqrt(),
        },
        buffers: &[("qkv", qkv), ("table", table), ("out", out)],
        groups: [windows as u32, 1, 2 * grid.heads as u32],
        weight_bytes: 0,
        flops: 4 * (windows * WINDOW.pow(4) * grid.channels) as u64,
    };
    let bytes = (12 * windows * WINDOW.pow(2) * grid.channels) as u64;
    let texels = Texels { name: "qkv", buffer: qkv, offset: 0, bytes, texel: Texel::Quad };
    let software = plan.gpu().tuning().matmul == MatmulKernel::Block;
    if !(software && head_dim.is_multiple_of(4) && texels.fit(plan.gpu())) {
        return plan.dispatch(dispatch);
    }
    dispatch.shader = &attention::WINDOW_ATTENTION_TEXELS;
    dispatch.constants = &[];
    dispatch.buffers = &others;
    plan.dispatch_reading(dispatch, &[texels])
}

/// As published: roll, partition, attend with bias and mask, reverse.
pub(crate) fn twin(qkv: &[f32], table: &[f32], grid: Grid) -> Vec<f64> {
    let Grid { images, side, channels, heads, shift } = grid;
    let width = channels / heads;
    let mut out = vec![0.0; images * side * side * channels];
    let region = |c: usize| {
        if c < side - WINDOW {
            0
        } else if c < side - WINDOW / 2 {
            1
        } else {
            2
        }
    };
    for image in 0..images {
        for (wy, wx, head) in
            (0..side / 8).flat_map(|y| (0..side / 8).flat_map(move |x| (0..heads).map(move |h| (y, x, h))))
        {
            let place = |t: usize| (8 * wy + t / 8, 8 * wx + t % 8);
            let source = |t: usize| {
                let (y, x) = place(t);
                (image * side + (y + shift) % side) * side + (x + shift) % side
            };
            let value = |t: usize, which: usize, d: usize| {
                f64::from(qkv[source(t) * 3 * channels + which * channels + head * width + d])
            };
            for i in 0..64 {
                let logits: Vec<f64> = (0..64)
                    .map(|j| {
                        let dot: f64 = (0..width).map(|d| value(i, 0, d) * value(j, 1, d)).sum();
                        let rel = (i / 8 + 7 - j / 8) * 15 + i % 8 + 7 - j % 8;
                        let of = |t: usize| 3 * region(place(t).0) + region(place(t).1);
                        let mask = if shift > 0 && of(i) != of(j) { -100.0 } else { 0.0 };
                        dot / (width as f64).sqrt() + f64::from(table[rel * heads + head]) + mask
                    })
                    .collect();
                let peak = logits.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = logits.iter().map(|l| (l - peak).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..width {
                    let sum: f64 = (0..64).map(|j| weights[j] * value(j, 2, d)).sum();
                    out[source(i) * channels + head * width + d] = sum / total;
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::*;

    #[test]
    fn every_grid() {
        for (images, side, channels, heads, shift) in
            [(1, 8, 16, 1, 0), (2, 16, 24, 4, 4), (1, 32, 16, 2, 4), (3, 16, 8, 2, 0), (1, 16, 128, 2, 4)]
        {
            let grid = Grid { images, side, channels, heads, shift };
            let tokens = images * side * side;
            let (qkv, table) = (random(tokens * 3 * channels, 1), random(225 * heads, 2));
            let out = gpu().storage("out", (4 * tokens * channels) as u64).unwrap();
            let (input, table_buffer, expected) = (upload(&qkv), upload(&table), twin(&qkv, &table, grid));
            for tuning in TUNINGS {
                let found =
                    run_tuned(tuning, &out, |plan| window_attention(plan, "", &input, &table_buffer, &out, grid));
                assert_close(&format!("{grid:?}"), &found, &expected, 1e-10);
            }
        }
    }
}
