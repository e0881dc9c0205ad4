//! Matmul: a matrix of activations times a weight matrix, with the epilogue fused in.

use af2_core::weights::Scheme;

pub use super::matmul_operands::Matmul;
use super::matmul_operands::lanes;
use super::matmul_texels::matmul_texels;
use super::{Epilogue, blocks_of_64, for_scheme, weight_bindings};
use crate::plan::params;
use crate::shader::{Shader, linear};
use crate::{Dispatch, GpuError, MatmulKernel, MatrixPart, PlanBuilder, TileSizes};

params! {
    MatmulParams {
        rows: u32,
        outputs: u32,
        cols: u32,
        out_stride: u32,
        column: u32,
        lanes_n: u32,
        epilogue: u32,
        part_quads: u32,
    }
}

/// Columns, and most rows, per workgroup of the tiled kernel.
const TILE: usize = 64;
/// A row of a tile in workgroup memory, in vec4.
const PITCH: usize = 5;
/// Rows and columns per workgroup of the wide kernel.
const WIDE: usize = 128;
/// Fewer workgroups of the wide kernel would leave some of a GPU's cores idle: the tiled kernel is used instead.
const WIDE_GROUPS: usize = 64;
/// Most rows, and outputs per workgroup, of the kernel for few rows; its columns come in blocks.
const FEW: usize = 8;
const FEW_OUTPUTS: usize = 16;
const FEW_COLUMNS: usize = 32;
/// Rows and columns per thread of the block kernel.
const BLOCK: [usize; 2] = [8, 16];
/// Rows and columns per thread of the strip kernel, and the most rows it is for where the kernel that reads texels does not serve: with more,
/// the block kernel is as fast on 8-bit weights.
const STRIP: [usize; 2] = [4, 128];
const STRIP_MOST_ROWS: usize = 63;
/// Workgroups of the strip kernel are as wide as leaves at least so many of them.
const STRIP_GROUPS: usize = 8;

/// A kernel and its workgroups for [rows, K] times [outputs, K].
struct Launch {
    shader: &'static Shader,
    constants: Vec<(&'static str, f64)>,
    /// Threads side by side along the outputs; kernels for software adapters only.
    lanes_n: usize,
    groups: usize,
}

impl Launch {
    /// With `half` the tiles of all weights but float32 are float16.
    fn tiled(scheme: Scheme, rows: usize, outputs: usize, sizes: TileSizes, half: bool) -> Self {
        let kernels = match half {
            false => [&linear::MATMUL_F32, &linear::MATMUL_F16, &linear::MATMUL_Q8, &linear::MATMUL_Q4],
            true => [&linear::MATMUL_F32, &linear::MATMUL_HALF_F16, &linear::MATMUL_HALF_Q8, &linear::MATMUL_HALF_Q4],
        };
        let mut constants = vec![
            ("SIDE_M", f64::from(sizes.side)),
            ("PER_M", f64::from(sizes.per_thread)),
            ("THREADS", f64::from(sizes.threads())),
            ("X_TILE", (sizes.height() * PITCH) as f64),
        ];
        if sizes.parts > 1 {
            constants.push(("PART", 1.0));
        }
        Self { shader: for_scheme(scheme, kernels), constants, lanes_n: 0, groups: sizes.groups(rows, outputs) }
    }

    /// `None` for a matmul of more than 8 rows, or whose columns are no whole number of blocks.
    fn few(scheme: Scheme, rows: usize, outputs: usize, cols: usize) -> Option<Self> {
        let kernels =
            [&linear::MATMUL_FEW_F32, &linear::MATMUL_FEW_F16, &linear::MATMUL_FEW_Q8, &linear::MATMUL_FEW_Q4];
        let groups = outputs.div_ceil(FEW_OUTPUTS);
        let fits = rows <= FEW && cols.is_multiple_of(FEW_COLUMNS);
        fits.then(|| Self { shader: for_scheme(scheme, kernels), constants: Vec::new(), lanes_n: 0, groups })
    }

    /// `None` for a matmul that would leave cores idle or waste more than a quarter of the work at the edges.
    fn wide(scheme: Scheme, rows: usize, outputs: usize) -> Option<Self> {
        let kernels =
            [&linear::MATMUL_WIDE_F32, &linear::MATMUL_WIDE_F16, &linear::MATMUL_WIDE_Q8, &linear::MATMUL_WIDE_Q4];
        let computed = |tile: usize| rows.next_multiple_of(tile) * outputs.next_multiple_of(tile);
        let groups = rows.div_ceil(WIDE) * outputs.div_ceil(WIDE);
        (groups >= WIDE_GROUPS && 4 * computed(WIDE) <= 5 * computed(TILE)).then(|| Self {
            shader: for_scheme(scheme, kernels),
            constants: Vec::new(),
            lanes_n: 0,
            groups,
        })
    }

    /// The threads are arranged to waste as little as possible at the edges. Few rows need only half of what a thread has room for.
    fn block(scheme: Scheme, rows: usize, outputs: usize) -> Self {
        let kernels =
            [&linear::MATMUL_BLOCK_F32, &linear::MATMUL_BLOCK_F16, &linear::MATMUL_BLOCK_Q8, &linear::MATMUL_BLOCK_Q4];
        let (lanes_n, groups) = lanes(BLOCK, rows, outputs);
        let tall = f64::from(u8::from(2 * rows > BLOCK[0]));
        Self { shader: for_scheme(scheme, kernels), constants: vec![("TALL", tall)], lanes_n, groups }
    }

    /// `None` for many rows, or weights that are not quantised.
    fn strip(scheme: Scheme, rows: usize, outputs: usize) -> Option<Self> {
        let shader = match scheme {
            Scheme::Q8 if rows <= STRIP_MOST_ROWS => &linear::MATMUL_STRIP_Q8,
            Scheme::Q4 if rows <= STRIP_MOST_ROWS => &linear::MATMUL_STRIP_Q4,
            _ => return None,
        };
        let groups = |along_n: usize| rows.div_ceil(STRIP[0]) * outputs.div_ceil(STRIP[1] * along_n);
        let along_n = [4, 2].into_iter().find(|along_n| groups(*along_n) >= STRIP_GROUPS).unwrap_or(1);
        Some(Self { shader, constants: Vec::new(), lanes_n: along_n, groups: groups(along_n) })
    }
}

/// `out[m, n] = epilogue(Σ_k x[m, k] · w[n, k])`; m: row, n: output, k: input.
///
/// # Shapes
/// `x` [rows, K], `w` [N, K], `out` [rows, N]. One dispatch per part of `w`, two where its columns are split.
///
/// # Errors
/// The device allows no such grid.
pub fn matmul(
    plan: &mut PlanBuilder,
    label: &str,
    operands: Matmul<'_>,
    epilogue: &Epilogue<'_>,
) -> Result<(), GpuError> {
    // Paired parts stack the rows of both tensors, and so do the columns of the output.
    let stacks = operands.w.parts.first().map_or(1, |part| part.rows / part.outputs.max(1));
    operands.w.parts.iter().try_for_each(|part| one_part(plan, label, operands, part, stacks, epilogue))
}

fn one_part(
    plan: &mut PlanBuilder,
    label: &str,
    operands: Matmul<'_>,
    part: &MatrixPart,
    stacks: usize,
    epilogue: &Epilogue<'_>,
) -> Result<(), GpuError> {
    let empty = plan.gpu().empty().clone();
    let kernel = plan.gpu().tuning().matmul;
    let Matmul { x, w, out, rows } = operands;
    let column = part.first_output * stacks;
    if kernel == MatmulKernel::Block && matmul_texels(plan, label, operands, part, column, epilogue)? {
        return Ok(());
    }
    let launch = match kernel {
        MatmulKernel::Tiled | MatmulKernel::Half => Launch::few(w.scheme, rows, part.rows, w.cols),
        MatmulKernel::Wide => {
            Launch::few(w.scheme, rows, part.rows, w.cols).or_else(|| Launch::wide(w.scheme, rows, part.rows))
        }
        MatmulKernel::Block => {
            Launch::strip(w.scheme, rows, part.rows).or_else(|| Some(Launch::block(w.scheme, rows, part.rows)))
        }
    };
    let sizes = TileSizes::choose(rows, w.part_shape(part, false), plan.gpu().device_profile());
    let parts = if launch.is_some() { 1 } else { sizes.parts };
    let launch =
        launch.unwrap_or_else(|| Launch::tiled(w.scheme, rows, part.rows, sizes, kernel == MatmulKernel::Half));
    let params = MatmulParams {
        rows: rows as u32,
        outputs: part.rows as u32,
        cols: w.cols as u32,
        out_stride: w.rows as u32,
        column: column as u32,
        lanes_n: launch.lanes_n as u32,
        epilogue: epilogue.bits(),
        part_quads: (sizes.part_columns(w.cols) / 4) as u32,
    };
    let sums = if parts > 1 { plan.scratch(4 * (parts * rows * part.rows) as u64)? } else { out.clone() };
    let mut buffers = weight_bindings(w.scheme, part);
    buffers.extend([("x", x), ("out", &sums)]);
    buffers.extend(if parts > 1 { Epilogue::default().bindings(&empty) } else { epilogue.bindings(&empty) });
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: launch.shader,
        constants: &launch.constants,
        params,
        buffers: &buffers,
        groups: [launch.groups as u32, 1, 1],
        weight_bytes: w.part_bytes(part),
        flops: 2 * (rows * part.rows * w.cols) as u64,
    })?;
    if parts == 1 {
        return Ok(());
    }
    let mut buffers = vec![("partial", &sums), ("x", x), ("out", out)];
    buffers.extend(epilogue.bindings(&empty));
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &linear::MATMUL_COMBINE,
        constants: &[],
        params: MatmulParams { part_quads: parts as u32, ..params },
        buffers: &buffers,
        groups: blocks_of_64(rows * part.rows),
        weight_bytes: 0,
        flops: 0,
    })
}

/// The plain loop, on unpacked weights.
pub(crate) fn twin(x: &[f32], w: &[f32], rows: usize, outputs: usize, cols: usize) -> Vec<f64> {
    let cell = |m: usize, n: usize| -> f64 {
        (0..cols).map(|k| f64::from(x[m * cols + k]) * f64::from(w[n * cols + k])).sum()
    };
    (0..rows * outputs).map(|i| cell(i / outputs, i % outputs)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TAINTS, TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::super::{Activation, Store};
    use super::*;
    use crate::{Matrix, Tuning};

    #[test]
    fn every_scheme_and_shape() {
        let shapes = [
            (1, 1, 32),
            (3, 7, 32),
            (8, 33, 2048),
            (5, 609, 352),
            (64, 64, 64),
            (65, 129, 96),
            (17, 609, 352),
            (130, 40, 512),
            (9, 500, 64),
            (4, 4200, 32),
        ];
        for scheme in [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4] {
            for (rows, outputs, cols) in shapes {
                let (x, w) = (random(rows * cols, 1), random(outputs * cols, 2));
                let packed = scheme.pack(outputs, cols, &w).unwrap();
                let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
                let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
                let out = gpu().storage("out", (4 * rows * outputs) as u64).unwrap();
                let (input, expected) = (upload(&x), twin(&x, &stored, rows, outputs, cols));
                let operands = Matmul { x: &input, w: &matrix, out: &out, rows };
                for tuning in TUNINGS {
                    let found = run_tuned(tuning, &out, |plan| matmul(plan, "", operands, &Epilogue::default()));
                    let what = format!("{:?} {scheme:?} {rows}x{outputs}x{cols}", tuning.matmul);
                    assert_close(&what, &found, &expected, 1e-11);
                }
            }
        }
    }

    /// Every height of tiles, in one part and in several, with schemes in turn and an epilogue that comes after the parts.
    #[test]
    fn tiles_of_every_height_and_parts_of_the_columns() {
        let shapes = [
            (10, 70, 96),
            (12, 33, 2_848),
            (15, 65, 544),
            (19, 40, 96),
            (23, 100, 1_024),
            (31, 10, 96),
            (37, 96, 1_024),
            (43, 70, 96),
            (64, 33, 800),
        ];
        let mut heights = Vec::new();
        for (i, (rows, outputs, cols)) in shapes.into_iter().enumerate() {
            let scheme = Scheme::ALL[i % 4];
            let (x, w, b, before) =
                (random(rows * cols, 1), random(outputs * cols, 2), random(outputs, 3), random(rows * outputs, 4));
            let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
            let packed = scheme.pack(outputs, cols, &w).unwrap();
            let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
            let sizes = TileSizes::choose(rows, matrix.part_shape(&matrix.parts[0], false), gpu().device_profile());
            assert_eq!(sizes.parts > 1, cols >= 512, "{rows}x{outputs}x{cols}: {sizes:?}");
            heights.push(sizes.height());
            let bias = upload(&b);
            let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Relu, store: Store::Add };
            let expected: Vec<f64> = (twin(&x, &stored, rows, outputs, cols).iter().enumerate())
                .map(|(i, sum)| epilogue.apply(*sum, f64::from(b[i % outputs]), 0.0, f64::from(before[i])))
                .collect();
            let input = upload(&x);
            let run = || {
                let out = upload(&before);
                let operands = Matmul { x: &input, w: &matrix, out: &out, rows };
                run_tuned(Tuning::HARDWARE, &out, |plan| matmul(plan, "", operands, &epilogue))
            };
            let found = run();
            assert_close(&format!("{scheme:?} {rows}x{outputs}x{cols} {sizes:?}"), &found, &expected, 1e-11);
            assert_eq!(run(), found, "the same bits again");
        }
        assert_eq!(heights, [10, 12, 16, 20, 24, 32, 40, 48, 64]);
    }

    /// More than [`WIDE_GROUPS`] workgroups, with edges on both sides and columns that end within a tile.
    #[test]
    fn wide_tiles() {
        for (scheme, cols) in [(Scheme::F32, 20), (Scheme::F16, 20), (Scheme::Q8, 32), (Scheme::Q4, 32)] {
            let (rows, outputs) = (1001, 930);
            let launch = Launch::wide(scheme, rows, outputs).unwrap();
            assert!(launch.shader.name.starts_with("linear/matmul_wide"), "{}", launch.shader.name);
            let (x, w) = (random(rows * cols, 9), random(outputs * cols, 10));
            let packed = scheme.pack(outputs, cols, &w).unwrap();
            let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
            let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
            let out = gpu().storage("out", (4 * rows * outputs) as u64).unwrap();
            let tuning = Tuning { matmul: MatmulKernel::Wide, ..Tuning::HARDWARE };
            let operands = Matmul { x: &upload(&x), w: &matrix, out: &out, rows };
            let found = run_tuned(tuning, &out, |plan| matmul(plan, "", operands, &Epilogue::default()));
            assert_close(&format!("{scheme:?}"), &found, &twin(&x, &stored, rows, outputs, cols), 1e-11);
        }
    }

    const HALF: Tuning = Tuning { matmul: MatmulKernel::Half, ..Tuning::HARDWARE };

    /// Rows far beyond float16's largest value, in ever larger columns, beside ordinary and small rows in the same tile: each is right to
    /// the 11 bits of its operands, in one part and in several. A row that is not finite stays so, and spoils no other.
    #[test]
    fn tiles_of_float16_hold_inputs_of_every_size() {
        let shapes = [(130, 40, 224), (65, 70, 96), (37, 33, 1_024), (23, 65, 544), (10, 96, 96)];
        for (i, (rows, outputs, cols)) in shapes.into_iter().enumerate() {
            let (scheme, tainted) = ([Scheme::Q4, Scheme::Q8, Scheme::F16][i % 3], 4);
            let (mut x, w) = (random(rows * cols, 1), random(outputs * cols, 2));
            for (at, value) in x.iter_mut().enumerate() {
                let growth = (20.0 * (at % cols) as f32 / cols as f32).exp2();
                *value *= [1.0, growth, 0.03][at / cols % 3] * if i == 4 { 1e-20 } else { 1.0 };
            }
            x[tainted * cols + cols - 1] = TAINTS[i % 3];
            let packed = scheme.pack(outputs, cols, &w).unwrap();
            let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
            let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
            let out = gpu().storage("out", (4 * rows * outputs) as u64).unwrap();
            let operands = Matmul { x: &upload(&x), w: &matrix, out: &out, rows };
            let found = run_tuned(HALF, &out, |plan| matmul(plan, "", operands, &Epilogue::default()));
            let expected = twin(&x, &stored, rows, outputs, cols);
            let mut largest = 0.0_f64;
            for (row, (found, expected)) in found.chunks(outputs).zip(expected.chunks(outputs)).enumerate() {
                let what = format!("{scheme:?} {rows}x{outputs}x{cols} row {row}");
                if row == tainted {
                    assert!(found.iter().all(|value| !value.is_finite()), "{what}: {found:?}");
                    continue;
                }
                let error = crate::measure::self_test::normalised_error(found, expected).sqrt();
                assert!(error <= 5e-4, "{what}: {error:e}");
                largest = largest.max(error);
            }
            assert!(largest > 1e-6, "{scheme:?} {rows}x{outputs}x{cols}: {largest:e} is no float16");
        }
    }

    #[test]
    fn float32_weights_are_multiplied_in_float32() {
        let sizes = TileSizes { side: 16, per_thread: 4, parts: 1 };
        let name = |scheme| Launch::tiled(scheme, 64, 64, sizes, true).shader.name;
        assert_eq!(name(Scheme::F32), "linear/matmul_f32");
        assert_eq!(name(Scheme::Q8), "linear/matmul_half_q8");
    }

    #[test]
    fn wide_tiles_are_for_large_matmuls() {
        for (rows, outputs) in [(64, 65_536), (1024, 896), (1024, 65)] {
            assert!(Launch::wide(Scheme::Q8, rows, outputs).is_none(), "{rows} x {outputs}");
        }
        assert!(Launch::wide(Scheme::Q8, 1024, 1024).is_some());
    }

    /// Strips of four rows: of 9 to 63, at most a quarter is computed for nothing.
    #[test]
    fn few_rows_of_quantised_weights_go_in_strips() {
        for rows in 1..=63 {
            for scheme in [Scheme::Q8, Scheme::Q4] {
                let launch = Launch::strip(scheme, rows, 896).unwrap();
                let across = 896_usize.div_ceil(STRIP[1] * launch.lanes_n);
                let computed = launch.groups / across * STRIP[0];
                assert!(
                    computed >= rows && (rows < 9 || 4 * (computed - rows) <= computed),
                    "{rows} of {computed} rows"
                );
            }
            assert!(Launch::strip(Scheme::F16, rows, 896).is_none());
        }
        assert!(Launch::strip(Scheme::Q8, 64, 896).is_none());
    }

    #[test]
    fn columns_of_the_encoder_are_multiples_of_8() {
        for (rows, outputs, cols) in [(5, 24, 8), (70, 10, 24), (1, 3, 40)] {
            let (x, w) = (random(rows * cols, 3), random(outputs * cols, 4));
            let matrix = Matrix::from_f32(gpu(), "w", Scheme::F32, outputs, cols, &w).unwrap();
            let out = gpu().storage("out", (4 * rows * outputs) as u64).unwrap();
            let operands = Matmul { x: &upload(&x), w: &matrix, out: &out, rows };
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| matmul(plan, "", operands, &Epilogue::default()));
                assert_close("narrow", &found, &twin(&x, &w, rows, outputs, cols), 1e-11);
            }
        }
    }

    #[test]
    fn every_epilogue() {
        let (rows, outputs, cols) = (9, 33, 64);
        let (x, w, b, before) =
            (random(rows * cols, 5), random(outputs * cols, 6), random(outputs, 7), random(rows * outputs, 8));
        let matrix = Matrix::from_f32(gpu(), "w", Scheme::F32, outputs, cols, &w).unwrap();
        let (input, bias, gate) = (upload(&x), upload(&b), upload(&[0.7_f32]));
        for activation in [Activation::None, Activation::Gelu, Activation::Relu] {
            for store in [Store::Write, Store::Add, Store::AddGated(&gate)] {
                let epilogue = Epilogue { bias: Some(&bias), activation, store };
                let sums = twin(&x, &w, rows, outputs, cols);
                let expected: Vec<f64> = (0..rows * outputs)
                    .map(|i| {
                        epilogue.apply(sums[i], f64::from(b[i % outputs]), f64::from(0.7_f32), f64::from(before[i]))
                    })
                    .collect();
                for tuning in TUNINGS {
                    let out = upload(&before);
                    let operands = Matmul { x: &input, w: &matrix, out: &out, rows };
                    let found = run_tuned(tuning, &out, |plan| matmul(plan, "", operands, &epilogue));
                    assert_close(&format!("{activation:?} {store:?}"), &found, &expected, 1e-11);
                }
            }
        }
    }
}
