//! From the last Swin grid to the encoder's token order.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    ReorderParams { tokens: u32, cols: u32 }
}

/// `out[32c + 8r + t] = x[8(2r + c) + t]` in every window of 64 tokens; c: half of the spectrum, r: quarter of the time, t: time in it.
///
/// # Shapes
/// `x`, `out` [windows · 64, cols].
///
/// # Errors
/// The device allows no such grid.
pub fn reorder_tokens(
    plan: &mut PlanBuilder,
    x: &Buffer,
    out: &Buffer,
    windows: usize,
    cols: usize,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "reorder_tokens".into(),
        shader: &layout::REORDER_TOKENS,
        constants: &[],
        params: ReorderParams { tokens: 64 * windows as u32, cols: cols as u32 },
        buffers: &[("x", x), ("out", out)],
        groups: blocks_of_64(64 * windows * cols),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, random, run, upload};
    use super::*;

    #[test]
    fn lower_half_of_the_spectrum_first() {
        for (windows, cols) in [(1, 1), (3, 40)] {
            let x = random(windows * 64 * cols, 1);
            let out = gpu().storage("out", 4 * x.len() as u64).unwrap();
            let found = run(&out, |plan| reorder_tokens(plan, &upload(&x), &out, windows, cols));
            for (w, c, r, t) in (0..windows).flat_map(|w| (0..64).map(move |o| (w, o / 32, o / 8 % 4, o % 8))) {
                let (to, from) = (64 * w + 32 * c + 8 * r + t, 64 * w + 8 * (2 * r + c) + t);
                assert_eq!(found[to * cols..(to + 1) * cols], x[from * cols..(from + 1) * cols]);
            }
        }
    }
}
