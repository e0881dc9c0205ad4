//! Matmul: a matrix of activations times a weight matrix, with the epilogue fused in.

use super::half_rows::half_rows;
use super::matmul_launch::{Launch, Rounding};
pub use super::matmul_operands::Matmul;
use super::matmul_operands::Rounded;
use super::matmul_texels::matmul_texels;
use super::quantise_rows::quantise_rows;
use super::{Epilogue, blocks_of_64, weight_bindings};
use crate::plan::params;
use crate::shader::linear;
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
        part_cols: u32,
    }
}

/// `out[m, n] = epilogue(Σ_k x[m, k] · w[n, k])`; m: row, n: output, k: input.
///
/// # Shapes
/// `x` [rows, K], `w` [N, K], `out` [rows, N]. One dispatch per part of `w`, two where its columns are split, and one before them where
/// activations are rounded.
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
    let Matmul { x, w, rows, .. } = operands;
    let rounded = match Rounding::of(plan.gpu(), w.scheme, rows) {
        Some(Rounding::Int8) => Some(quantise_rows(plan, label, x, rows * w.cols)?),
        Some(Rounding::Half) => Some(half_rows(plan, label, x, rows, w.cols)?),
        None => None,
    };
    let one = |part| one_part(plan, label, operands, rounded.as_ref(), part, stacks, epilogue);
    w.parts.iter().try_for_each(one)
}

fn one_part(
    plan: &mut PlanBuilder,
    label: &str,
    operands: Matmul<'_>,
    rounded: Option<&Rounded>,
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
    let sizes = TileSizes::choose(rows, w.part_shape(part, false), plan.gpu().device_profile());
    let (launch, parts) = Launch::choose(plan.gpu(), w, part, rows, sizes);
    let params = MatmulParams {
        rows: rows as u32,
        outputs: part.rows as u32,
        cols: w.cols as u32,
        out_stride: w.rows as u32,
        column: column as u32,
        lanes_n: launch.lanes_n as u32,
        epilogue: epilogue.bits(),
        part_cols: sizes.part_columns(w.cols) as u32,
    };
    let sums =
        if parts > 1 { plan.scratch("partial sums", 4 * (parts * rows * part.rows) as u64)? } else { out.clone() };
    let mut buffers = weight_bindings(w.scheme, part);
    match rounded {
        Some(rounded) => buffers.extend([("x", &rounded.values), ("x_scales", &rounded.scales)]),
        None => buffers.push(("x", x)),
    }
    buffers.push(("out", &sums));
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
    let mut buffers = vec![("partial", &sums), ("out", out)];
    buffers.extend(epilogue.bindings(&empty));
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &linear::MATMUL_COMBINE,
        constants: &[],
        params: MatmulParams { part_cols: parts as u32, ..params },
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
    use af2_core::weights::Scheme;

    use super::super::quantise_rows::tests::quantised;
    use super::super::testing::{TAINTS, TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::super::{Activation, Store};
    use super::*;
    use crate::{Matrix, Tuning};

    /// W on the device, and its values as they are stored.
    fn packed(scheme: Scheme, outputs: usize, cols: usize, w: &[f32]) -> (Matrix, Vec<f32>) {
        let packed = scheme.pack(outputs, cols, w).unwrap();
        let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
        (Matrix::from_f32(gpu(), "w", scheme, outputs, cols, w).unwrap(), stored)
    }

    /// Rows in turn of ordinary values, of values that grow a millionfold along the columns, and of small ones.
    fn uneven(rows: usize, cols: usize) -> Vec<f32> {
        let mut x = random(rows * cols, 1);
        for (at, value) in x.iter_mut().enumerate() {
            let growth = (20.0 * (at % cols) as f32 / cols as f32).exp2();
            *value *= [1.0, growth, 0.03][at / cols % 3];
        }
        x
    }

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
                let (matrix, stored) = packed(scheme, outputs, cols, &w);
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
            let (matrix, stored) = packed(scheme, outputs, cols, &w);
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
            let (matrix, stored) = packed(scheme, outputs, cols, &w);
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
            let (mut x, w) = (uneven(rows, cols), random(outputs * cols, 2));
            x.iter_mut().for_each(|value| *value *= if i == 4 { 1e-20 } else { 1.0 });
            x[tainted * cols + cols - 1] = TAINTS[i % 3];
            let (matrix, stored) = packed(scheme, outputs, cols, &w);
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

    const INT8: Tuning = Tuning { matmul: MatmulKernel::Int8, ..Tuning::HARDWARE };

    /// The products of int8 codes are exact: all that is lost is what `quantise_rows` rounds. A row that is not finite stays so, and spoils
    /// no other.
    #[test]
    fn tiles_of_int8_multiply_codes_exactly() {
        let shapes = [(130, 40, 224), (65, 70, 96), (37, 33, 1_024), (23, 65, 544), (10, 96, 32), (9, 500, 2_848)];
        for (i, (rows, outputs, cols)) in shapes.into_iter().enumerate() {
            let (scheme, tainted) = ([Scheme::Q4, Scheme::Q8][i % 2], 4);
            let (mut x, w) = (uneven(rows, cols), random(outputs * cols, 2));
            x[tainted * cols + cols - 1] = TAINTS[i % 3];
            let (matrix, stored) = packed(scheme, outputs, cols, &w);
            let out = gpu().storage("out", (4 * rows * outputs) as u64).unwrap();
            let operands = Matmul { x: &upload(&x), w: &matrix, out: &out, rows };
            let found = run_tuned(INT8, &out, |plan| matmul(plan, "", operands, &Epilogue::default()));
            let (codes, scales) = quantised(&x);
            let rounded: Vec<f32> = codes.iter().enumerate().map(|(i, c)| f32::from(*c) * scales[i / 32]).collect();
            let exact = twin(&x, &stored, rows, outputs, cols);
            let expected = twin(&rounded, &stored, rows, outputs, cols);
            for (row, found) in found.chunks(outputs).enumerate() {
                let what = format!("{scheme:?} {rows}x{outputs}x{cols} row {row}");
                if row == tainted {
                    assert!(found.iter().all(|value| !value.is_finite()), "{what}: {found:?}");
                    continue;
                }
                let of_row = |values: &[f64]| values[row * outputs..][..outputs].to_vec();
                assert_close(&what, found, &of_row(&expected), 1e-11);
                assert_close(&what, found, &of_row(&exact), 2e-4);
            }
        }
    }

    /// On matrix units each row is right to the 11 bits of its operands, with edges on all sides; a row that is not finite stays so, and
    /// spoils no other. Run it by hand where there are such units: newer releases of lavapipe have them.
    #[test]
    #[ignore = "needs an adapter with cooperative matrices"]
    fn cooperative_matrices() {
        assert!(gpu().info().cooperative_matrix.is_some(), "{:?} has none", gpu().info());
        let tuning = Tuning { matmul: MatmulKernel::Cooperative, ..Tuning::HARDWARE };
        let shapes = [(130, 40, 224), (65, 70, 96), (200, 129, 1_024), (66, 9, 32)];
        for (i, (rows, outputs, cols)) in shapes.into_iter().enumerate() {
            for scheme in [Scheme::Q4, Scheme::Q8, Scheme::F16] {
                let tainted = 4;
                let (mut x, w) = (random(rows * cols, 1), random(outputs * cols, 2));
                let (b, before) = (random(outputs, 3), random(rows * outputs, 4));
                for (at, value) in x.iter_mut().enumerate() {
                    *value *= [1.0, 1e9, 0.03][at / cols % 3];
                }
                x[tainted * cols + cols - 1] = TAINTS[i % 3];
                let (matrix, stored) = packed(scheme, outputs, cols, &w);
                let (bias, out) = (upload(&b), upload(&before));
                let epilogue = Epilogue { bias: Some(&bias), activation: Activation::None, store: Store::Add };
                let operands = Matmul { x: &upload(&x), w: &matrix, out: &out, rows };
                let found = run_tuned(tuning, &out, |plan| matmul(plan, "", operands, &epilogue));
                let expected: Vec<f64> = (twin(&x, &stored, rows, outputs, cols).iter().enumerate())
                    .map(|(i, sum)| epilogue.apply(*sum, f64::from(b[i % outputs]), 0.0, f64::from(before[i])))
                    .collect();
                for (row, (found, expected)) in found.chunks(outputs).zip(expected.chunks(outputs)).enumerate() {
                    let what = format!("{scheme:?} {rows}x{outputs}x{cols} row {row}");
                    if row == tainted {
                        assert!(found.iter().all(|value| !value.is_finite()), "{what}: {found:?}");
                    } else {
                        assert_close(&what, found, expected, 1e-6);
                    }
                }
            }
        }
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
