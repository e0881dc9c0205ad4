//! Patch embedding of the encoder.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::audio;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    PatchEmbedParams { tokens: u32, side: u32, channels: u32 }
}

/// The buffers of [`patch_embed`].
#[derive(Debug, Clone, Copy)]
pub struct PatchEmbedBuffers<'a> {
    /// [windows, side, side].
    pub image: &'a Buffer,
    /// [E, 1, 4, 4].
    pub weight: &'a Buffer,
    /// \[E\].
    pub bias: &'a Buffer,
    /// [windows · (side / 4)², E].
    pub out: &'a Buffer,
}

/// `out[i, j, e] = bias[e] + Σ_rc weight[e, r, c] · image[4i + r, 4j + c]`; i, j: patch, e: channel, r, c: pixel of the patch.
///
/// # Shapes
/// `image` [windows, side, side], `weight` [E, 1, 4, 4], `bias` \[E\], `out` [windows · (side / 4)², E]; E = `channels`.
///
/// # Errors
/// The device allows no such grid.
pub fn patch_embed(
    plan: &mut PlanBuilder,
    buffers: PatchEmbedBuffers<'_>,
    windows: usize,
    side: usize,
    channels: usize,
) -> Result<(), GpuError> {
    let PatchEmbedBuffers { image, weight, bias, out } = buffers;
    let tokens = windows * (side / 4).pow(2);
    plan.dispatch(Dispatch {
        label: "patch_embed".into(),
        shader: &audio::PATCH_EMBED,
        constants: &[],
        params: PatchEmbedParams { tokens: tokens as u32, side: side as u32, channels: channels as u32 },
        buffers: &[("image", image), ("weight", weight), ("bias", bias), ("out", out)],
        groups: blocks_of_64(tokens * channels),
        weight_bytes: 0,
        flops: 2 * (tokens * channels * 16) as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    #[test]
    fn convolves_every_patch() {
        for (windows, side, channels) in [(1, 8, 3), (2, 256, 8), (1, 32, 40)] {
            let (image, weight, bias) =
                (random(windows * side * side, 1), random(channels * 16, 2), random(channels, 3));
            let per_side = side / 4;
            let out = gpu().storage("out", (4 * windows * per_side * per_side * channels) as u64).unwrap();
            let buffers =
                PatchEmbedBuffers { image: &upload(&image), weight: &upload(&weight), bias: &upload(&bias), out: &out };
            let found = run(&out, |plan| patch_embed(plan, buffers, windows, side, channels));
            let expected: Vec<f64> = (0..found.len())
                .map(|i| {
                    let (token, e) = (i / channels, i % channels);
                    let (w, y, x) = (token / (per_side * per_side), token / per_side % per_side, token % per_side);
                    let pixel = |r: usize, c: usize| f64::from(image[(w * side + 4 * y + r) * side + 4 * x + c]);
                    let sum: f64 = (0..16).map(|k| f64::from(weight[e * 16 + k]) * pixel(k / 4, k % 4)).sum();
                    sum + f64::from(bias[e])
                })
                .collect();
            assert_close(&format!("{windows} {side} {channels}"), &found, &expected, 1e-12);
        }
    }
}
