//! The gate and up projections of the SwiGLU feed-forward of one token in one matvec.

use super::matvec::{Input, Matvec, OneRow};
use crate::plan::params;
use crate::shader::linear;
use crate::{GpuError, PlanBuilder};

params! {
    GateUpParams { inner: u32, cols: u32, x_offset: u32, column: u32, eps: f32 }
}

const GATE_UP: OneRow = OneRow {
    staged: [
        &linear::MATVEC_GATE_UP_F32,
        &linear::MATVEC_GATE_UP_F16,
        &linear::MATVEC_GATE_UP_Q8,
        &linear::MATVEC_GATE_UP_Q4,
    ],
    block: [
        &linear::MATVEC_GATE_UP_BLOCK_F32,
        &linear::MATVEC_GATE_UP_BLOCK_F16,
        &linear::MATVEC_GATE_UP_BLOCK_Q8,
        &linear::MATVEC_GATE_UP_BLOCK_Q4,
    ],
    combine: &linear::MATVEC_GATE_UP_COMBINE,
    paired: true,
};

/// `out[f] = silu(Σ_k norm(x)[k] · gate[f, k]) · (Σ_k norm(x)[k] · up[f, k])`; f: output, k: input, `silu(y) = y / (1 + e^−y)`.
///
/// # Shapes
/// `x` one row of [rows, K], `w` the paired matrix of gate and up, [2F, K] with K a multiple of 32, `out` \[F\].
///
/// # Errors
/// The device allows no such grid.
pub fn matvec_gate_up(plan: &mut PlanBuilder, label: &str, operands: Matvec<'_>) -> Result<(), GpuError> {
    let Matvec { x, norm, w, out } = operands;
    for part in &w.parts {
        let params = GateUpParams {
            inner: part.outputs as u32,
            cols: w.cols as u32,
            x_offset: x.offset(w.cols),
            column: part.first_output as u32,
            eps: norm.eps(),
        };
        GATE_UP.dispatch(plan, label, Input { x, norm, w }, part, params, &[("out", out)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::super::matvec::tests::{normed, twin};
    use super::super::matvec::{InputNorm, Row};
    use super::super::testing::{assert_close, gpu, kernels_for, random, run_tuned, upload};
    use super::*;
    use crate::Matrix;
    use crate::matrix::Stacking;

    #[test]
    fn every_scheme_and_shape() {
        for scheme in [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4] {
            for (inner, cols) in [(32, 32), (352, 128), (5, 64), (96, 896)] {
                let (x, w, nb) = (random(cols, 1), random(2 * inner * cols, 2), random(cols, 3));
                let packed = scheme.pack(2 * inner, cols, &w).unwrap();
                let stored = scheme.unpack(2 * inner, cols, &packed.data, &packed.scales).unwrap();
                let (matrix, places) =
                    Matrix::allocate(gpu(), "w", scheme, cols, &[2 * inner], Stacking::Stacked).unwrap();
                assert_eq!(places.len(), 1);
                gpu().write(&matrix.parts[0].data, 0, &packed.data);
                gpu().write(&matrix.parts[0].scales, 0, &packed.scales);
                let mut matrix = matrix;
                matrix.parts[0].outputs = inner;
                let (weights, input) = (upload(&nb), upload(&x));
                let norm = InputNorm::Rms(&weights, 1e-6);
                let out = gpu().storage("out", 4 * inner as u64).unwrap();
                let operands = Matvec { x: Row { buffer: &input, row: 0 }, norm, w: &matrix, out: &out };
                let y = twin(&normed(&x, &nb, &norm), &stored);
                let expected: Vec<f64> = (0..inner).map(|f| y[f] / (1.0 + (-y[f]).exp()) * y[inner + f]).collect();
                let shape = matrix.part_shape(&matrix.parts[0], true);
                for kernels in kernels_for(shape) {
                    let what = format!("{shape} {kernels}");
                    let found = run_tuned(kernels, &out, |plan| matvec_gate_up(plan, "", operands));
                    assert_close(&what, &found, &expected, 1e-11);
                }
            }
        }
    }
}
