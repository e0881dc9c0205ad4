//! Activations as int8 with a scale per 32 columns, for the matmul that multiplies integers.

use super::blocks_of_64;
use super::matmul_operands::Rounded;
use crate::plan::params;
use crate::shader::linear;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    QuantiseParams { groups: u32 }
}

/// Columns that share a scale.
const GROUP: usize = 32;

/// `codes[m, k] = round(x[m, k] / s)` with `s = max |x| / 127` over each group of 32 columns; m: row, k: column.
///
/// # Shapes
/// `x` [rows, K] with `elements` in all, K a multiple of 32. One dispatch.
///
/// # Errors
/// The device allows no such grid or buffer.
pub fn quantise_rows(plan: &mut PlanBuilder, label: &str, x: &Buffer, elements: usize) -> Result<Rounded, GpuError> {
    let groups = elements / GROUP;
    let values = plan.scratch("activations as int8", elements as u64)?;
    let scales = plan.scratch("scales of activations", 4 * groups as u64)?;
    plan.dispatch(Dispatch {
        label: format!("{label} as int8"),
        shader: &linear::QUANTISE_ROWS,
        constants: &[],
        params: QuantiseParams { groups: groups as u32 },
        buffers: &[("x", x), ("codes", &values), ("x_scales", &scales)],
        groups: blocks_of_64(groups),
        weight_bytes: 0,
        flops: 0,
    })?;
    Ok(Rounded { values, scales })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::testing::{TAINTS, gpu, random, upload, wait};
    use super::*;

    /// Codes and scales of values.
    pub(crate) fn quantised(x: &[f32]) -> (Vec<i8>, Vec<f32>) {
        let mut plan = PlanBuilder::new(gpu(), "test", None);
        let codes = quantise_rows(&mut plan, "", &upload(x), x.len()).unwrap();
        let plan = plan.finish().unwrap();
        gpu().run(&[&plan]);
        let words = wait(gpu().read_all::<u32>(&codes.values)).unwrap();
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| byte as i8).collect();
        (bytes, wait(gpu().read_all(&codes.scales)).unwrap())
    }

    #[test]
    fn every_value_is_a_code_times_a_scale() {
        for (groups, size) in [(1, 1.0), (3, 1e-20), (70, 1e20), (5_000, 0.3)] {
            let mut x = random(groups * GROUP, groups as u64);
            x.iter_mut().for_each(|value| *value *= size);
            let (codes, scales) = quantised(&x);
            for (group, values) in x.chunks(GROUP).enumerate() {
                let largest = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let scale = scales[group];
                assert!((scale * 127.0 - largest).abs() <= 1e-6 * largest, "{scale} of {largest}");
                for (value, code) in values.iter().zip(&codes[group * GROUP..]) {
                    let error = (f32::from(*code) * scale - value).abs();
                    assert!(error <= 0.5001 * scale, "{value} as {code} times {scale}");
                }
            }
        }
    }

    #[test]
    fn nothing_and_what_is_next_to_nothing_is_zero() {
        let mut x = vec![0.0; 2 * GROUP];
        x[GROUP + 3] = 1e-35;
        let (codes, scales) = quantised(&x);
        assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
        assert!(scales.iter().all(|scale| scale.is_finite()), "{scales:?}");
    }

    #[test]
    fn a_group_with_a_value_that_is_not_finite_has_such_a_scale() {
        for taint in TAINTS {
            let mut x = random(3 * GROUP, 1);
            x[GROUP + 5] = taint;
            let (_, scales) = quantised(&x);
            let finite: Vec<bool> = scales.iter().map(|scale| scale.is_finite()).collect();
            assert_eq!(finite, [true, false, true], "{taint}: {scales:?}");
        }
    }
}
