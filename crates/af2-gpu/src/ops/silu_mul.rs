//! SwiGLU of a prompt.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, Matrix, PlanBuilder};

params! {
    SiluMulParams { rows: u32, inner: u32, stride: u32, column: u32 }
}

/// `out[r, f] = silu(gate[r, f]) · up[r, f]` with gate and up from a matmul with the paired matrix `w`; `silu(y) = y / (1 + e^−y)`.
///
/// # Shapes
/// `x` [rows, 2F] as [`super::matmul::matmul`] writes it (per part of `w`: gates, then ups), `out` [rows, F].
///
/// # Errors
/// The device allows no such grid.
pub fn silu_mul(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    w: &Matrix,
    out: &Buffer,
    rows: usize,
) -> Result<(), GpuError> {
    for part in &w.parts {
        plan.dispatch(Dispatch {
            label: label.into(),
            shader: &layout::SILU_MUL,
            constants: &[],
            params: SiluMulParams {
                rows: rows as u32,
                inner: part.outputs as u32,
                stride: (w.rows / 2) as u32,
                column: part.first_output as u32,
            },
            buffers: &[("x", x), ("out", out)],
            groups: blocks_of_64(rows * part.outputs),
            weight_bytes: 0,
            flops: 0,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;
    use crate::matrix::Stacking;

    #[test]
    fn multiplies_gate_and_up() {
        for (rows, inner) in [(1, 1), (3, 32), (65, 352)] {
            let (w, _) = Matrix::allocate(gpu(), "w", Scheme::F32, 32, &[inner, inner], Stacking::Paired).unwrap();
            let x: Vec<f32> = random(rows * 2 * inner, 1).iter().map(|v| v * 8.0).collect();
            let out = gpu().storage("out", (4 * rows * inner) as u64).unwrap();
            let found = run(&out, |plan| silu_mul(plan, "", &upload(&x), &w, &out, rows));
            let expected: Vec<f64> = (0..rows * inner)
                .map(|i| {
                    let at = i / inner * 2 * inner + i % inner;
                    let (gate, up) = (f64::from(x[at]), f64::from(x[at + inner]));
                    gate / (1.0 + (-gate).exp()) * up
                })
                .collect();
            assert_close(&format!("{rows}x{inner}"), &found, &expected, 1e-12);
        }
    }
}
