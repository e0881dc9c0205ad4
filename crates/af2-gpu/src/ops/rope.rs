//! Rotary positions in place.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    RopeParams { rows: u32, heads: u32, head_dim: u32, rotated: u32, stride: u32 }
}

/// Which part of each row is rotated.
#[derive(Debug, Clone, Copy)]
pub struct RopeShape {
    /// Rows of `x`.
    pub rows: usize,
    /// Heads to rotate, from the start of the row.
    pub heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Leading dimensions R of each head that are rotated; even.
    pub rotated: usize,
    /// Elements between rows.
    pub stride: usize,
}

/// `(x_i, x_j) ← (x_i cos a − x_j sin a, x_j cos a + x_i sin a)` with j = i + R/2 for i < R/2 of each head; a: angle of frequency i at
/// the row's position, `step.position` + row.
///
/// # Shapes
/// `x` [rows, stride], `rotary` [positions, R/2, 2].
///
/// # Errors
/// The device allows no such grid.
pub fn rope(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    rotary: &Buffer,
    step: &Buffer,
    shape: RopeShape,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::ROPE,
        constants: &[],
        params: RopeParams {
            rows: shape.rows as u32,
            heads: shape.heads as u32,
            head_dim: shape.head_dim as u32,
            rotated: shape.rotated as u32,
            stride: shape.stride as u32,
        },
        buffers: &[("rotary", rotary), ("x", x), ("step", step)],
        groups: blocks_of_64(shape.rows * shape.heads * shape.rotated / 2),
        weight_bytes: 0,
        flops: 0,
    })
}

/// Cosines and sines of `positions` positions, [positions, frequencies, 2]. Angles are rounded to float32 first, as in the published
/// implementation.
pub fn rotary_table(frequencies: &[f32], positions: usize) -> Vec<f32> {
    let turn = |angle: f32| {
        let angle = f64::from(angle);
        [angle.cos() as f32, angle.sin() as f32]
    };
    (0..positions).flat_map(|position| frequencies.iter().flat_map(move |f| turn(position as f32 * f))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    #[test]
    fn rotates_the_leading_dimensions_only() {
        for (rows, heads, head_dim, rotated, stride) in [(1, 1, 4, 4, 4), (70, 4, 64, 32, 400), (9, 3, 6, 6, 20)] {
            let shape = RopeShape { rows, heads, head_dim, rotated, stride };
            let position = 11;
            let frequencies: Vec<f32> =
                (0..rotated / 2).map(|i| 100.0_f32.powf(-2.0 * i as f32 / rotated as f32)).collect();
            let table = rotary_table(&frequencies, 100);
            let x = random(rows * stride, 1);
            let step = Step::buffer(gpu()).unwrap();
            gpu().write(&step, 0, bytemuck::bytes_of(&Step { position, ..Step::default() }));
            let buffer = upload(&x);
            let found = run(&buffer, |plan| rope(plan, "", &buffer, &upload(&table), &step, shape));
            let mut expected: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            for (row, head, i) in
                (0..rows).flat_map(|r| (0..heads).flat_map(move |h| (0..rotated / 2).map(move |i| (r, h, i))))
            {
                let angle = f64::from((position as usize + row) as f32 * frequencies[i]);
                let at = row * stride + head * head_dim + i;
                let (a, b) = (expected[at], expected[at + rotated / 2]);
                expected[at] = a * angle.cos() - b * angle.sin();
                expected[at + rotated / 2] = b * angle.cos() + a * angle.sin();
            }
            assert_close(&format!("{shape:?}"), &found, &expected, 1e-12);
        }
    }
}
