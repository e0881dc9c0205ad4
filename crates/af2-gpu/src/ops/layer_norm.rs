//! Layer norm of rows.

use crate::plan::params;
use crate::shader::norm;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    LayerNormParams { rows: u32, cols: u32, eps: f32, input_scale: f32 }
}

/// The buffers of a norm.
#[derive(Debug, Clone, Copy)]
pub struct NormBuffers<'a> {
    /// [rows, cols].
    pub x: &'a Buffer,
    /// Layer norm: weight w, then bias b, [2, cols]; RMS norm: weight, \[cols\].
    pub norm: &'a Buffer,
    /// [rows, cols].
    pub out: &'a Buffer,
}

/// `out[r, :] = (s − mean(s)) / √(var(s) + eps) · w + b` with `s = x[r, :] · input_scale`; var: biased variance.
///
/// # Shapes
/// `x`, `out` [rows, cols], cols a multiple of 4; `norm` [2, cols].
///
/// # Errors
/// The device allows no such grid.
pub fn layer_norm(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: NormBuffers<'_>,
    [rows, cols]: [usize; 2],
    eps: f32,
    input_scale: f32,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &norm::LAYER_NORM,
        constants: &[plan.gpu().tuning().row_threads()],
        params: LayerNormParams { rows: rows as u32, cols: cols as u32, eps, input_scale },
        buffers: &[("x", buffers.x), ("norm", buffers.norm), ("out", buffers.out)],
        groups: [rows as u32, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
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
            let buffers = NormBuffers { x: &upload(&x), norm: &weights, out: &out };
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| layer_norm(plan, "", buffers, [rows, cols], 1e-5, scale));
                assert_close(&format!("{rows}x{cols}"), &found, &expected, 1e-11);
            }
        }
    }
}
