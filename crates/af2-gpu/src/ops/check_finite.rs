//! A check for NaN and infinities: a reduction to one word, which is read with the result.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    CheckFiniteParams { quads: u32 }
}

/// `flag = 1` if any `x[i]` is NaN or infinite; else it stays as it is.
///
/// # Shapes
/// `x` \[count\], `flag` \[1\]; `count` is a multiple of 4.
///
/// # Errors
/// The device allows no such grid.
pub fn check_finite(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    flag: &Buffer,
    count: usize,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::CHECK_FINITE,
        constants: &[],
        params: CheckFiniteParams { quads: (count / 4) as u32 },
        buffers: &[("x", x), ("flag", flag)],
        groups: blocks_of_64(count / 4),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TAINTS, gpu, random, upload, wait};
    use super::*;

    fn flag(x: &[f32]) -> u32 {
        let flag = gpu().storage("flag", 4).unwrap();
        let mut plan = PlanBuilder::new(gpu(), "test", None);
        check_finite(&mut plan, "", &upload(x), &flag, x.len()).unwrap();
        gpu().run(&[&plan.finish().unwrap()]);
        wait(gpu().read_all(&flag)).unwrap()[0]
    }

    #[test]
    fn one_element_is_enough() {
        for count in [4, 260, 40_000] {
            let x: Vec<f32> = random(count, 1).iter().map(|value| 1e38 * value).collect();
            assert_eq!(flag(&x), 0);
            for (at, taint) in [0, 1, count / 2, count - 1].into_iter().flat_map(|at| TAINTS.map(|taint| (at, taint))) {
                let mut x = x.clone();
                x[at] = taint;
                assert_eq!(flag(&x), 1, "{taint} at {at} of {count}");
            }
        }
    }
}
