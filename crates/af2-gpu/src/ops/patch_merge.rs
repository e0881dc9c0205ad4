//! The gather of Swin patch merging.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    PatchMergeParams { tokens: u32, side: u32, channels: u32 }
}

/// `out[(i, j)] = concat(x[2i, 2j], x[2i+1, 2j], x[2i, 2j+1], x[2i+1, 2j+1])`; i, j: row and column of the output grid.
///
/// # Shapes
/// `x` [images · side², C], `out` [images · side² / 4, 4C].
///
/// # Errors
/// The device allows no such grid.
pub fn patch_merge(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    out: &Buffer,
    images: usize,
    side: usize,
    channels: usize,
) -> Result<(), GpuError> {
    let tokens = images * side * side / 4;
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::PATCH_MERGE,
        constants: &[],
        params: PatchMergeParams { tokens: tokens as u32, side: side as u32, channels: channels as u32 },
        buffers: &[("x", x), ("out", out)],
        groups: blocks_of_64(tokens * 4 * channels),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, random, run, upload};
    use super::*;

    #[test]
    fn row_offset_varies_first() {
        for (images, side, channels) in [(1, 2, 1), (2, 16, 24), (1, 64, 8)] {
            let x = random(images * side * side * channels, 1);
            let out = gpu().storage("out", 4 * x.len() as u64).unwrap();
            let found = run(&out, |plan| patch_merge(plan, "", &upload(&x), &out, images, side, channels));
            let mut at = 0;
            for (image, i, j) in
                (0..images).flat_map(|n| (0..side / 2).flat_map(move |i| (0..side / 2).map(move |j| (n, i, j))))
            {
                for (dy, dx) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let from = ((image * side + 2 * i + dy) * side + 2 * j + dx) * channels;
                    assert_eq!(found[at..at + channels], x[from..from + channels]);
                    at += channels;
                }
            }
        }
    }
}
