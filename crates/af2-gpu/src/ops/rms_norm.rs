//! RMS norm of rows.

use super::layer_norm::NormBuffers;
use crate::plan::params;
use crate::shader::norm;
use crate::{Dispatch, GpuError, PlanBuilder};

params! {
    RmsNormParams { rows: u32, cols: u32, eps: f32 }
}

/// `out[r, :] = x[r, :] / √(mean(x[r, :]²) + eps) · w`; w: `norm`.
///
/// # Shapes
/// `x`, `out` [rows, cols], cols a multiple of 4; `norm` \[cols\].
///
/// # Errors
/// The device allows no such grid.
pub fn rms_norm(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: NormBuffers<'_>,
    [rows, cols]: [usize; 2],
    eps: f32,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &norm::RMS_NORM,
        constants: &[plan.gpu().tuning().row_threads()],
        params: RmsNormParams { rows: rows as u32, cols: cols as u32, eps },
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
        for (rows, cols) in [(1, 32), (5, 96), (300, 128), (2, 2048)] {
            let (x, w) = (random(rows * cols, 1), random(cols, 2));
            let weights = upload(&w);
            let out = gpu().storage("out", (4 * rows * cols) as u64).unwrap();
            let norm = InputNorm::Rms(&weights, 1e-6);
            let expected: Vec<f64> = x.chunks_exact(cols).flat_map(|row| normed(row, &w, &norm)).collect();
            let buffers = NormBuffers { x: &upload(&x), norm: &weights, out: &out };
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| rms_norm(plan, "", buffers, [rows, cols], 1e-6));
                assert_close(&format!("{rows}x{cols}"), &found, &expected, 1e-11);
            }
        }
    }
}
