//! Layer norm over rows.

use crate::plan::params;
use crate::shader::norm;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    LayerNormParams { rows: u32, cols: u32, eps: f32, input_scale: f32 }
}

/// `out[r, :] = (s − mean(s)) / √(var(s) + eps) · w + b` with `s = x[r, :] · input_scale`.
///
/// # Shapes
/// `x`, `out` [rows, cols], cols a multiple of 4; `weight_bias` [2, cols].
///
/// # Errors
/// The device allows no such grid.
#[allow(clippy::too_many_arguments)] // the operands and sizes of one formula
pub fn layer_norm(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    weight_bias: &Buffer,
    out: &Buffer,
    [rows, cols]: [usize; 2],
    eps: f32,
    input_scale: f32,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &norm::LAYER_NORM,
        constants: &[plan.gpu().tuning().row_threads()],
        params: LayerNormParams { rows: rows as u32, cols: cols as u32, eps, input_scale },
        buffers: &[("x", x), ("norm", weight_bias), ("out", out)],
        groups: [rows as u32, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::matvec::InputNorm;
    use super::super::matvec::tests::normed;
    use super::super::testing::{TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::*;

    #[test]
    fn rows_of_every_width() {
        for (rows, cols, scale) in [(1, 8, 1.0_f32), (5, 24, 3.0), (300, 128, 11.3), (70_000, 8, 1.0), (2, 2048, 45.0)]
        {
            let (x, wb) = (random(rows * cols, 1), random(2 * cols, 2));
            let weights = upload(&wb);
            let out = gpu().storage("out", (4 * rows * cols) as u64).unwrap();
            let norm = InputNorm::Layer(&weights, 1e-5);
            let expected: Vec<f64> = x
                .chunks_exact(cols)
                .flat_map(|row| normed(&row.iter().map(|v| v * scale).collect::<Vec<_>>(), &wb, &norm))
                .collect();
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| {
                    layer_norm(plan, "", &upload(&x), &weights, &out, [rows, cols], 1e-5, scale)
                });
                assert_close(&format!("{rows}x{cols}"), &found, &expected, 1e-11);
            }
        }
    }
}
