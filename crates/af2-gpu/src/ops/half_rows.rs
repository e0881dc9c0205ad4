//! Activations as float16 with a power of two per row, for the matmul on matrix units.

use super::matmul_operands::Rounded;
use crate::plan::params;
use crate::shader::linear;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    HalfRowsParams { rows: u32, cols: u32 }
}

/// `values[m, k] = x[m, k] / s[m]` as float16, with `s[m]` a power of two such that the largest of a row lies in 2^14 … 2^15.
///
/// # Shapes
/// `x` [rows, cols], cols a multiple of 4. One dispatch.
///
/// # Errors
/// The device allows no such grid or buffer.
pub fn half_rows(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    rows: usize,
    cols: usize,
) -> Result<Rounded, GpuError> {
    let values = plan.scratch("activations as float16", 2 * (rows * cols) as u64)?;
    let scales = plan.scratch("scales of activations", 4 * rows as u64)?;
    plan.dispatch(Dispatch {
        label: format!("{label} as float16"),
        shader: &linear::HALF_ROWS,
        constants: &[plan.gpu().tuning().row_threads()],
        params: HalfRowsParams { rows: rows as u32, cols: cols as u32 },
        buffers: &[("x", x), ("halves", &values), ("x_scales", &scales)],
        groups: [rows as u32, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })?;
    Ok(Rounded { values, scales })
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::super::testing::{TAINTS, TUNINGS, gpu, random, upload, wait};
    use super::*;

    #[test]
    fn every_row_has_a_scale_of_its_own() {
        let (rows, cols, tainted) = (13, 76, 7);
        for (tuning, taint) in TUNINGS.into_iter().zip(TAINTS) {
            let mut x = random(rows * cols, 1);
            for (row, values) in x.chunks_mut(cols).enumerate() {
                values.iter_mut().for_each(|value| *value *= 10_f32.powi(5 * (row as i32 - 6)));
            }
            x[tainted * cols + 3] = taint;
            let mut plan = PlanBuilder::new(&gpu().tuned(tuning), "test", None);
            let found = half_rows(&mut plan, "", &upload(&x), rows, cols).unwrap();
            gpu().run(&[&plan.finish().unwrap()]);
            let halves: Vec<f16> = wait(gpu().read_all(&found.values)).unwrap();
            let scales: Vec<f32> = wait(gpu().read_all(&found.scales)).unwrap();
            for (row, values) in x.chunks(cols).enumerate().filter(|(row, _)| *row != tainted) {
                let largest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let at_top = largest / scales[row];
                assert!((16_384.0..32_768.0).contains(&at_top), "row {row}: {largest} is {at_top}");
                for (value, half) in values.iter().zip(&halves[row * cols..]) {
                    let error = (half.to_f32() * scales[row] - value).abs();
                    assert!(error <= value.abs() / 2_047.0 + largest * 1e-8, "row {row}: {value} as {half}");
                }
            }
            assert!(!scales[tainted].is_finite(), "{taint}: {}", scales[tainted]);
        }
    }
}
