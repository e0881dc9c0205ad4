//! The matmul of many rows with quantised weights on software adapters, which reads both as texels.

use af2_core::weights::Scheme;

use super::Epilogue;
use super::matmul_operands::{Matmul, lanes};
use crate::plan::params;
use crate::shader::{Shader, linear};
use crate::texels::{Texel, Texels};
use crate::{Dispatch, GpuError, Matrix, MatrixPart, PlanBuilder};

params! {
    TexelsParams { rows: u32, outputs: u32, cols: u32, out_stride: u32, column: u32, lanes_n: u32, epilogue: u32 }
}

/// Rows from which it serves: its blocks of 8 compute at most a quarter for nothing, and copying W takes little beside them.
const LEAST_ROWS: usize = 25;
/// Rows and columns per thread.
const BLOCK: [usize; 2] = [8, 16];
/// Bytes of W that are copied at a time, at most.
const CHUNK_BYTES: usize = 32 << 20;
/// Rows of W per chunk are a multiple of this, so that workgroups are full.
const CHUNK_STEP: usize = BLOCK[1] * 8;

fn kernel(scheme: Scheme) -> Option<&'static Shader> {
    match scheme {
        Scheme::Q8 => Some(&linear::MATMUL_TEXELS_Q8),
        Scheme::Q4 => Some(&linear::MATMUL_TEXELS_Q4),
        Scheme::F32 | Scheme::F16 => None,
    }
}

/// Appends the dispatches of one part of W; false if the kernel does not serve them.
pub(super) fn matmul_texels(
    plan: &mut PlanBuilder,
    label: &str,
    operands: Matmul<'_>,
    part: &MatrixPart,
    column: usize,
    epilogue: &Epilogue<'_>,
) -> Result<bool, GpuError> {
    let Matmul { x, w, out, rows } = operands;
    let Some(shader) = kernel(w.scheme) else { return Ok(false) };
    let inputs = Texels { name: "x", buffer: x, offset: 0, bytes: 4 * (rows * w.cols) as u64, texel: Texel::Quad };
    let quads = [part.rows, w.rows, column].iter().all(|outputs| outputs.is_multiple_of(4));
    if rows < LEAST_ROWS || !quads || !inputs.fit(plan.gpu()) {
        return Ok(false);
    }
    let empty = plan.gpu().empty().clone();
    let step = chunk_rows(w, part.rows);
    for first in (0..part.rows).step_by(step) {
        let outputs = step.min(part.rows - first);
        let bytes = |rows: usize| [w.scheme.data_bytes(rows, w.cols), w.scheme.scale_bytes(rows, w.cols)];
        let ([codes_at, scales_at], [codes, scales]) = (bytes(first), bytes(outputs));
        let texels = [
            inputs,
            Texels { name: "weight", buffer: &part.data, offset: codes_at, bytes: codes, texel: Texel::Quad },
            Texels { name: "scales", buffer: &part.scales, offset: scales_at, bytes: scales, texel: Texel::Word },
        ];
        let (lanes_n, groups) = lanes(BLOCK, rows, outputs);
        let mut buffers = vec![("out", out)];
        buffers.extend(epilogue.bindings(&empty));
        let dispatch = Dispatch {
            label: label.into(),
            shader,
            constants: &[],
            params: TexelsParams {
                rows: rows as u32,
                outputs: outputs as u32,
                cols: w.cols as u32,
                out_stride: w.rows as u32,
                column: (column + first) as u32,
                lanes_n: lanes_n as u32,
                epilogue: epilogue.bits(),
            },
            buffers: &buffers,
            groups: [groups as u32, 1, 1],
            weight_bytes: codes + scales,
            flops: 2 * (rows * outputs * w.cols) as u64,
        };
        plan.dispatch_reading(dispatch, &texels)?;
    }
    Ok(true)
}

/// Rows of W that one dispatch takes, of `rows` there are.
fn chunk_rows(w: &Matrix, rows: usize) -> usize {
    let row_bytes = w.scheme.data_bytes(1, w.cols).max(1) as usize;
    (CHUNK_BYTES / row_bytes / CHUNK_STEP * CHUNK_STEP).max(CHUNK_STEP).min(rows.max(1))
}

#[cfg(test)]
mod tests {
    use super::super::matmul::{matmul, twin};
    use super::super::testing::{assert_close, gpu, random, run_tuned, upload};
    use super::super::{Activation, Store};
    use super::*;
    use crate::{Cost, Tuning};

    /// Kernels that a matmul on a software adapter is made of.
    fn kernels(scheme: Scheme, rows: usize, outputs: usize, cols: usize) -> Vec<&'static str> {
        let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &vec![0.5; outputs * cols]).unwrap();
        let [x, out] = [rows * cols, rows * outputs].map(|count| gpu().storage("", 4 * count as u64).unwrap());
        let mut plan = PlanBuilder::new(&gpu().tuned(Tuning::SOFTWARE), "", None);
        matmul(&mut plan, "", Matmul { x: &x, w: &matrix, out: &out, rows }, &Epilogue::default()).unwrap();
        plan.finish().unwrap().costs().map(|Cost { kernel, .. }| *kernel).collect()
    }

    #[test]
    fn many_rows_of_quantised_weights_are_read_as_texels() {
        assert_eq!(kernels(Scheme::Q8, 25, 64, 32), ["linear/matmul_texels_q8"]);
        assert_eq!(kernels(Scheme::Q4, 64, 4, 96), ["linear/matmul_texels_q4"]);
        assert_eq!(kernels(Scheme::Q8, 24, 64, 32), ["linear/matmul_strip_q8"]);
        assert_eq!(kernels(Scheme::Q8, 64, 63, 32), ["linear/matmul_block_q8"]);
        assert_eq!(kernels(Scheme::F16, 64, 64, 32), ["linear/matmul_block_f16"]);
    }

    #[test]
    fn a_large_matrix_is_copied_in_chunks() {
        let matrix = |cols| Matrix { name: String::new(), scheme: Scheme::Q8, rows: 10_000, cols, parts: Vec::new() };
        assert_eq!(chunk_rows(&matrix(8192), 10_000), 4096);
        assert_eq!(chunk_rows(&matrix(2048), 10_000), 10_000);
        assert_eq!(chunk_rows(&matrix(1 << 24), 10_000), CHUNK_STEP);
    }

    /// Edges on both sides, textures of more than one row, and every arrangement of the threads.
    #[test]
    fn every_shape_and_epilogue() {
        let bias = random(2048, 7);
        let gate = upload(&[0.7_f32]);
        for (rows, outputs, cols) in [(25, 4, 32), (64, 64, 64), (65, 132, 96), (130, 40, 512), (33, 612, 352)] {
            for scheme in [Scheme::Q8, Scheme::Q4] {
                // Small sums: the twin's GELU is exact below 4.
                let x: Vec<f32> = random(rows * cols, 1).iter().map(|x| 0.1 * x).collect();
                let (w, before) = (random(outputs * cols, 2), random(rows * outputs, 3));
                let packed = scheme.pack(outputs, cols, &w).unwrap();
                let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
                let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
                let (input, bias_buffer) = (upload(&x), upload(&bias[..outputs]));
                let sums = twin(&x, &stored, rows, outputs, cols);
                for (activation, store) in [
                    (Activation::None, Store::Write),
                    (Activation::Gelu, Store::Add),
                    (Activation::Relu, Store::AddGated(&gate)),
                ] {
                    let epilogue = Epilogue { bias: Some(&bias_buffer), activation, store };
                    let cell = |i: usize| {
                        let bias = f64::from(bias[i % outputs]);
                        epilogue.apply(sums[i], bias, f64::from(0.7_f32), f64::from(before[i]))
                    };
                    let expected: Vec<f64> = (0..rows * outputs).map(cell).collect();
                    let out = upload(&before);
                    let operands = Matmul { x: &input, w: &matrix, out: &out, rows };
                    let found = run_tuned(Tuning::SOFTWARE, &out, |plan| matmul(plan, "", operands, &epilogue));
                    assert_close(&format!("{scheme} {rows}x{outputs}x{cols}"), &found, &expected, 1e-11);
                }
            }
        }
    }
}
