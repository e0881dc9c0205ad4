//! Chosen rows of a buffer of activations.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    GatherParams { rows: u32, quads: u32 }
}

/// `out[i] = x[picks[i]]` for `shape` = [rows, width], rows of `out` and a multiple of 4.
///
/// # Shapes
/// `x` [any, width], `picks` \[rows\] u32, `out` [rows, width].
///
/// # Errors
/// The device allows no such grid.
pub fn gather(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    picks: &Buffer,
    out: &Buffer,
    shape: [usize; 2],
) -> Result<(), GpuError> {
    let [rows, width] = shape;
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::GATHER,
        constants: &[],
        params: GatherParams { rows: rows as u32, quads: (width / 4) as u32 },
        buffers: &[("x", x), ("picks", picks), ("out", out)],
        groups: blocks_of_64(rows * width / 4),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, random, run, upload};
    use super::*;

    #[test]
    fn rows_in_any_order() {
        let (width, picks) = (12, [4_u32, 0, 4, 2]);
        let x = random(5 * width, 1);
        let out = gpu().storage("out", (4 * picks.len() * width) as u64).unwrap();
        let found = run(&out, |plan| gather(plan, "", &upload(&x), &upload(&picks), &out, [picks.len(), width]));
        let expected: Vec<f32> = picks.iter().flat_map(|row| &x[*row as usize * width..][..width]).copied().collect();
        assert_eq!(found, expected);
    }
}
