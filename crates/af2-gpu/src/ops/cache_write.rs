//! Writes the keys and values of a prompt to the cache.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    CacheWriteParams { rows: u32, width: u32, stride: u32, x_offset: u32 }
}

/// The columns that [`cache_write`] copies.
#[derive(Debug, Clone, Copy)]
pub struct CacheColumns {
    /// Rows of x.
    pub rows: usize,
    /// Elements between rows of x.
    pub stride: usize,
    /// First copied column.
    pub offset: usize,
    /// Copied columns.
    pub width: usize,
}

/// `kv[slot_base + position + r, :] = x[r, offset..offset + width]`; r: row, slot_base and position: of the step.
///
/// # Shapes
/// `x` [rows, stride], `kv` [cache rows, width].
///
/// # Errors
/// The device allows no such grid.
pub fn cache_write(
    plan: &mut PlanBuilder,
    label: &str,
    x: &Buffer,
    kv: &Buffer,
    step: &Buffer,
    columns: CacheColumns,
) -> Result<(), GpuError> {
    let CacheColumns { rows, stride, offset, width } = columns;
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::CACHE_WRITE,
        constants: &[],
        params: CacheWriteParams {
            rows: rows as u32,
            width: width as u32,
            stride: stride as u32,
            x_offset: offset as u32,
        },
        buffers: &[("x", x), ("kv", kv), ("step", step)],
        groups: blocks_of_64(rows * width),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::super::testing::{gpu, random, run, upload};
    use super::*;

    #[test]
    fn copies_the_columns_to_the_positions() {
        for (rows, x_offset, width, stride) in [(1, 0, 4, 4), (5, 3, 10, 20), (40, 64, 64, 128)] {
            let x = random(rows * stride, 1);
            let step = Step::buffer(gpu()).unwrap();
            gpu().write(&step, 0, bytemuck::bytes_of(&Step { position: 2, slot_base: 1, ..Step::default() }));
            let kv = gpu().storage("kv", (4 * (rows + 4) * width) as u64).unwrap();
            let columns = CacheColumns { rows, stride, offset: x_offset, width };
            let found = run(&kv, |plan| cache_write(plan, "", &upload(&x), &kv, &step, columns));
            for (i, value) in found.iter().enumerate() {
                let (row, column) = (i / width, i % width);
                let inside = (3..3 + rows).contains(&row);
                let expected = if inside { x[(row - 3) * stride + x_offset + column] } else { 0.0 };
                assert_eq!(*value, expected, "row {row} column {column}");
            }
        }
    }
}
