//! Rounding to float16.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    PackF16Params { quads: u32 }
}

/// `out[i] = float16(clamp(x[i], −65504, 65504))`, rounded to nearest, two per u32.
///
/// # Shapes
/// `x` \[count\], `out` \[count / 2\]; `count` is a multiple of 4.
///
/// # Errors
/// The device allows no such grid.
pub fn pack_f16(plan: &mut PlanBuilder, label: &str, x: &Buffer, out: &Buffer, count: usize) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::PACK_F16,
        constants: &[],
        params: PackF16Params { quads: (count / 4) as u32 },
        buffers: &[("x", x), ("out", out)],
        groups: blocks_of_64(count / 4),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, random, upload, wait};
    use super::*;

    #[test]
    fn rounds_to_nearest_and_stays_finite() {
        for count in [4, 60, 4096] {
            let mut x: Vec<f32> = random(count, 1).iter().map(|v| v * 300.0).collect();
            (x[0], x[1], x[2]) = (1e9, -70_000.0, 2049.0);
            let out = gpu().storage("out", 2 * count as u64).unwrap();
            let mut plan = PlanBuilder::new(gpu(), "test", None);
            pack_f16(&mut plan, "", &upload(&x), &out, count).unwrap();
            gpu().run(&[&plan.finish().unwrap()]);
            let found: Vec<half::f16> =
                wait(gpu().read_all::<u16>(&out)).unwrap().into_iter().map(half::f16::from_bits).collect();
            for (found, x) in found.iter().zip(&x) {
                let expected = half::f16::from_f32(x.clamp(-65_504.0, 65_504.0));
                // Where two float16 are about equally near, drivers differ.
                let nearer = (found.to_f32() - x).abs() <= (expected.to_f32() - x).abs() * 1.01 || *found == expected;
                assert!(nearer, "{x}: {found} is not {expected}");
            }
        }
    }
}
