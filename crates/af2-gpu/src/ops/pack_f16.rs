//! Rounding to float16, with a check for NaN and infinities.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    PackF16Params { quads: u32 }
}

/// `out[i] = float16(clamp(x[i], −65504, 65504))`, rounded to nearest, two per u32. NaN and infinities become NaN, and `flag` 1; else it
/// stays as it is.
///
/// # Shapes
/// `x` \[count\], `out` \[count / 2\], `flag` \[1\]; `count` is a multiple of 4.
///
/// # Errors
/// The device allows no such grid.
pub fn pack_f16(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    out: &Buffer,
    flag: &Buffer,
    count: usize,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::PACK_F16,
        constants: &[],
        params: PackF16Params { quads: (count / 4) as u32 },
        buffers: &[("x", x), ("out", out), ("flag", flag)],
        groups: blocks_of_64(count / 4),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::super::testing::{TAINTS, gpu, random, upload, wait};
    use super::*;

    /// The packed numbers, and the flag.
    fn packed(x: &[f32]) -> (Vec<f16>, u32) {
        let (out, flag) = (gpu().storage("out", 2 * x.len() as u64).unwrap(), gpu().storage("flag", 4).unwrap());
        let mut plan = PlanBuilder::new(gpu(), "test", None);
        pack_f16(&mut plan, "", &upload(x), &out, &flag, x.len()).unwrap();
        gpu().run(&[&plan.finish().unwrap()]);
        let bits: Vec<u16> = wait(gpu().read_all(&out)).unwrap();
        (bits.into_iter().map(f16::from_bits).collect(), wait(gpu().read_all(&flag)).unwrap()[0])
    }

    #[test]
    fn nothing_lost_comes_out_finite() {
        for (count, at) in [(4, 0), (60, 59), (4096, 1234)] {
            for taint in TAINTS {
                let mut x = random(count, 1);
                x[at] = taint;
                let (found, flag) = packed(&x);
                assert_eq!(flag, 1, "{taint}");
                assert!(found.iter().enumerate().all(|(i, value)| value.is_nan() == (i == at)), "{taint} at {at}");
            }
        }
    }

    #[test]
    fn rounds_to_nearest_and_stays_finite() {
        for count in [4, 60, 4096] {
            let mut x: Vec<f32> = random(count, 1).iter().map(|v| v * 300.0).collect();
            (x[0], x[1], x[2]) = (1e9, -70_000.0, 2049.0);
            let (found, flag) = packed(&x);
            assert_eq!(flag, 0);
            for (found, x) in found.iter().zip(&x) {
                let expected = f16::from_f32(x.clamp(-65_504.0, 65_504.0));
                // Where two float16 are about equally near, drivers differ.
                let nearer = (found.to_f32() - x).abs() <= (expected.to_f32() - x).abs() * 1.01 || *found == expected;
                assert!(nearer, "{x}: {found} is not {expected}");
            }
        }
    }
}
