//! Token embedding lookup.

use super::{blocks_of_64, for_scheme, weight_bindings};
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, Matrix, PlanBuilder};

params! {
    EmbedParams { rows: u32, cols: u32, row_start: u32, row_count: u32 }
}

/// `out[r, :] = table[sequence[slot_base + position + r], :]`; r: row, slot_base and position: of the step.
///
/// # Shapes
/// `table` [V, D], `sequence` token ids of all slots, `out` [rows, D]. One dispatch per part of the table, each writing the rows it holds.
///
/// # Errors
/// The device allows no such grid.
pub fn embed(
    plan: &mut PlanBuilder,
    table: &Matrix,
    sequence: &Buffer,
    step: &Buffer,
    out: &Buffer,
    rows: usize,
) -> Result<(), GpuError> {
    let shader =
        for_scheme(table.scheme, [&layout::EMBED_F32, &layout::EMBED_F16, &layout::EMBED_Q8, &layout::EMBED_Q4]);
    for part in &table.parts {
        let mut buffers = weight_bindings(table.scheme, part);
        buffers.extend([("sequence", sequence), ("out", out), ("step", step)]);
        plan.dispatch(Dispatch {
            label: "embed".into(),
            shader,
            constants: &[],
            params: EmbedParams {
                rows: rows as u32,
                cols: table.cols as u32,
                row_start: part.first_output as u32,
                row_count: part.rows as u32,
            },
            buffers: &buffers,
            groups: blocks_of_64(rows * table.cols / 4),
            weight_bytes: table.scheme.data_bytes(1, table.cols) * rows as u64 / table.parts.len() as u64,
            flops: 0,
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::super::Step;
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    #[test]
    fn looks_up_rows_of_every_scheme() {
        for scheme in [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4] {
            let (vocab, cols) = (611, 96);
            let w = random(vocab * cols, 1);
            let packed = scheme.pack(vocab, cols, &w).unwrap();
            let stored = scheme.unpack(vocab, cols, &packed.data, &packed.scales).unwrap();
            let matrix = Matrix::from_f32(gpu(), "embed", scheme, vocab, cols, &w).unwrap();
            let ids = [9_u32, 9, 9, 0, 610, 7];
            let step = Step::buffer(gpu()).unwrap();
            gpu().write(&step, 0, bytemuck::bytes_of(&Step { position: 1, slot_base: 2, ..Step::default() }));
            let out = gpu().storage("out", (4 * 3 * cols) as u64).unwrap();
            let found = run(&out, |plan| embed(plan, &matrix, &upload(&ids), &step, &out, 3));
            let expected: Vec<f64> =
                [0, 610, 7].iter().flat_map(|id| &stored[id * cols..(id + 1) * cols]).map(|v| f64::from(*v)).collect();
            assert_close(&format!("{scheme:?}"), &found, &expected, 1e-14);
        }
    }
}
