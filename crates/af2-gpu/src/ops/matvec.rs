//! Matvec: one row of activations times a weight matrix, with the norm before it and the epilogue after it fused in.

use super::{Epilogue, for_scheme, weight_bindings};
use crate::plan::params;
use crate::shader::{Shader, linear};
use crate::{Buffer, Dispatch, Gpu, GpuError, Matrix, MatrixPart, MatvecKernel, MatvecSizes, Params, PlanBuilder};

params! {
    MatvecParams { rows: u32, cols: u32, x_offset: u32, column: u32, epilogue: u32, eps: f32, part_blocks: u32 }
}

/// Rows per workgroup of the dispatch that adds up the parts of the columns.
const COMBINED_ROWS: usize = 64;

/// The norm of the input row.
#[derive(Debug, Clone, Copy)]
pub enum InputNorm<'a> {
    /// None.
    None,
    /// RMS norm: weight \[K\], epsilon.
    Rms(&'a Buffer, f32),
    /// Layer norm: weight \[K\] then bias \[K\], epsilon.
    Layer(&'a Buffer, f32),
}

impl<'a> InputNorm<'a> {
    fn constant(&self) -> (&'static str, f64) {
        let kind = match self {
            Self::None => 0.0,
            Self::Rms(..) => 1.0,
            Self::Layer(..) => 2.0,
        };
        ("NORM", kind)
    }

    fn buffer(&self, empty: &'a Buffer) -> &'a Buffer {
        match self {
            Self::None => empty,
            Self::Rms(buffer, _) | Self::Layer(buffer, _) => buffer,
        }
    }

    pub(crate) fn eps(&self) -> f32 {
        match self {
            Self::None => 0.0,
            Self::Rms(_, eps) | Self::Layer(_, eps) => *eps,
        }
    }
}

/// One row of a buffer of activations.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The buffer, [rows, K].
    pub buffer: &'a Buffer,
    /// Which row.
    pub row: usize,
}

impl Row<'_> {
    /// Offset in units of vec4.
    pub(crate) fn offset(&self, cols: usize) -> u32 {
        (self.row * cols / 4) as u32
    }
}

/// The operands of [`matvec`].
#[derive(Debug, Clone, Copy)]
pub struct Matvec<'a> {
    /// One row of [rows, K].
    pub x: Row<'a>,
    /// The norm of that row.
    pub norm: InputNorm<'a>,
    /// [N, K], K a multiple of 32.
    pub w: &'a Matrix,
    /// \[N\].
    pub out: &'a Buffer,
}

/// What a matvec reads.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub x: Row<'a>,
    pub norm: InputNorm<'a>,
    pub w: &'a Matrix,
}

/// The kernels of an op with one row of activations; of four as in [`for_scheme`].
pub(crate) struct OneRow {
    /// For hardware GPUs.
    pub staged: [&'static Shader; 4],
    /// For software adapters.
    pub block: [&'static Shader; 4],
    /// Adds up the parts of the columns.
    pub combine: &'static Shader,
    /// Whether every result is made of two rows of the matrix.
    pub paired: bool,
}

const MATVEC: OneRow = OneRow {
    staged: [&linear::MATVEC_F32, &linear::MATVEC_F16, &linear::MATVEC_Q8, &linear::MATVEC_Q4],
    block: [&linear::MATVEC_BLOCK_F32, &linear::MATVEC_BLOCK_F16, &linear::MATVEC_BLOCK_Q8, &linear::MATVEC_BLOCK_Q4],
    combine: &linear::MATVEC_COMBINE,
    paired: false,
};

impl OneRow {
    /// Appends the dispatch of one part of the matrix, or two if its columns are split: `results` are the buffers that the op's own code
    /// reads and writes, `params` its parameters.
    pub fn dispatch<P: Params>(
        &self,
        plan: &mut PlanBuilder,
        label: &str,
        Input { x, norm, w }: Input<'_>,
        part: &MatrixPart,
        params: P,
        results: &[(&str, &Buffer)],
    ) -> Result<(), GpuError> {
        let sizes = plan.gpu().matvec_sizes(w.part_shape(part, self.paired));
        if sizes.parts > 1 {
            let sums = partial_sums(plan, label, Input { x, norm, w }, part, sizes)?;
            let mut buffers = vec![("partial", &sums)];
            buffers.extend(results);
            return plan.dispatch(Dispatch {
                label: label.into(),
                shader: self.combine,
                constants: &[("ROWS", COMBINED_ROWS as f64), ("PARTS", f64::from(sizes.parts))],
                params,
                buffers: &buffers,
                groups: [part.rows.div_ceil(COMBINED_ROWS) as u32, 1, 1],
                weight_bytes: 0,
                flops: 0,
            });
        }
        let kernel = plan.gpu().tuning().matvec;
        let kernels = match kernel {
            MatvecKernel::Staged => self.staged,
            MatvecKernel::Block => self.block,
        };
        let empty = plan.gpu().empty().clone();
        let mut buffers = weight_bindings(w.scheme, part);
        buffers.extend([("x", x.buffer), ("norm", norm.buffer(&empty))]);
        buffers.extend(results);
        plan.dispatch(Dispatch {
            label: label.into(),
            shader: for_scheme(w.scheme, kernels),
            constants: &constants(kernel, sizes, &norm),
            params,
            buffers: &buffers,
            groups: [sizes.groups(part.rows), 1, 1],
            weight_bytes: w.part_bytes(part),
            flops: 2 * (part.rows * w.cols) as u64,
        })
    }
}

/// Override constants: the input's norm and the sizes.
fn constants(kernel: MatvecKernel, sizes: MatvecSizes, norm: &InputNorm<'_>) -> Vec<(&'static str, f64)> {
    let (rows, threads) = (f64::from(sizes.rows), f64::from(sizes.threads));
    let mut constants = vec![norm.constant(), ("ROWS", rows), ("THREADS", threads)];
    match kernel {
        MatvecKernel::Staged => constants.extend([
            ("SLICES", f64::from(sizes.slices)),
            ("PER", f64::from(sizes.per_thread())),
            ("AHEAD", f64::from(sizes.ahead)),
            ("TILE", 8.0 * (threads + 1.0)),
        ]),
        MatvecKernel::Block => constants.push(("ROW_LANES", rows * threads)),
    }
    constants
}

/// Appends the first of two dispatches: the sums over every part of the columns, [parts, rows of `part`].
fn partial_sums(
    plan: &mut PlanBuilder,
    label: &str,
    Input { x, norm, w }: Input<'_>,
    part: &MatrixPart,
    sizes: MatvecSizes,
) -> Result<Buffer, GpuError> {
    let empty = plan.gpu().empty().clone();
    let sums = plan.scratch("partial sums", 4 * u64::from(sizes.parts) * part.rows as u64)?;
    let mut buffers = weight_bindings(w.scheme, part);
    buffers.extend([("x", x.buffer), ("norm", norm.buffer(&empty)), ("out", &sums)]);
    buffers.extend(Epilogue::default().bindings(&empty));
    let mut constants = constants(MatvecKernel::Staged, sizes, &norm);
    constants.push(("PART", 1.0));
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: for_scheme(w.scheme, MATVEC.staged),
        constants: &constants,
        params: MatvecParams {
            rows: part.rows as u32,
            cols: w.cols as u32,
            x_offset: x.offset(w.cols),
            column: 0,
            epilogue: 0,
            eps: norm.eps(),
            part_blocks: sizes.part_blocks(w.cols) as u32,
        },
        buffers: &buffers,
        groups: [sizes.groups(part.rows), 1, 1],
        weight_bytes: w.part_bytes(part),
        flops: 2 * (part.rows * w.cols) as u64,
    })?;
    Ok(sums)
}

/// `out[n] = epilogue(Σ_k norm(x)[k] · w[n, k])`; n: output, k: input.
///
/// # Shapes
/// `x` one row of [rows, K], `w` [N, K] with K a multiple of 32, `out` \[N\]. One dispatch per part of `w`, two where its columns are split.
///
/// # Errors
/// The device allows no such grid.
pub fn matvec(
    plan: &mut PlanBuilder,
    label: &str,
    operands: Matvec<'_>,
    epilogue: &Epilogue<'_>,
) -> Result<(), GpuError> {
    let Matvec { x, norm, w, out } = operands;
    let empty = plan.gpu().empty().clone();
    for part in &w.parts {
        let params = MatvecParams {
            rows: part.rows as u32,
            cols: w.cols as u32,
            x_offset: x.offset(w.cols),
            column: part.first_output as u32,
            epilogue: epilogue.bits(),
            eps: norm.eps(),
            part_blocks: 0,
        };
        let [bias, gate] = epilogue.bindings(&empty);
        MATVEC.dispatch(plan, label, Input { x, norm, w }, part, params, &[bias, gate, ("out", out)])?;
    }
    Ok(())
}

/// Dispatches of a matvec with this matrix on this device; `paired` if every result is made of two of its rows.
pub fn matvec_dispatches(gpu: &Gpu, w: &Matrix, paired: bool) -> usize {
    let split = |part| gpu.matvec_sizes(w.part_shape(part, paired)).parts > 1;
    w.parts.iter().map(|part| 1 + usize::from(split(part))).sum()
}

#[cfg(test)]
pub(crate) mod tests {
    use af2_core::weights::Scheme;

    use super::super::testing::{STAGED, TUNINGS, assert_close, divided, gpu, kernels_for, random, run_tuned, upload};
    use super::super::{Activation, Store};
    use super::*;

    /// RMS or layer norm of one row in float64.
    pub(crate) fn normed(x: &[f32], weight_bias: &[f32], norm: &InputNorm<'_>) -> Vec<f64> {
        let n = x.len() as f64;
        let values: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let mean = if matches!(norm, InputNorm::Layer(..)) { values.iter().sum::<f64>() / n } else { 0.0 };
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let scale = 1.0 / (variance + f64::from(norm.eps())).sqrt();
        let weight = |k: usize| f64::from(weight_bias[k]);
        values
            .iter()
            .enumerate()
            .map(|(k, v)| match norm {
                InputNorm::None => *v,
                InputNorm::Rms(..) => v * scale * weight(k),
                InputNorm::Layer(..) => (v - mean) * scale * weight(k) + weight(x.len() + k),
            })
            .collect()
    }

    pub(crate) fn twin(x: &[f64], w: &[f32]) -> Vec<f64> {
        w.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(a, b)| f64::from(*a) * b).sum()).collect()
    }

    #[test]
    fn every_scheme_norm_and_shape() {
        for scheme in [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4] {
            for (outputs, cols) in [(1, 32), (9, 96), (64, 128), (609, 352), (33, 2048), (7, 11008)] {
                let (x, w, nb) = (random(3 * cols, 1), random(outputs * cols, 2), random(2 * cols, 3));
                let packed = scheme.pack(outputs, cols, &w).unwrap();
                let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
                let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
                let weights = upload(&nb);
                for norm in [InputNorm::None, InputNorm::Rms(&weights, 1e-6), InputNorm::Layer(&weights, 1e-5)] {
                    let out = gpu().storage("out", 4 * outputs as u64).unwrap();
                    let input = upload(&x);
                    let operands = Matvec { x: Row { buffer: &input, row: 2 }, norm, w: &matrix, out: &out };
                    let expected = twin(&normed(&x[2 * cols..], &nb, &norm), &stored);
                    for tuning in TUNINGS {
                        let found = run_tuned(tuning, &out, |plan| matvec(plan, "", operands, &Epilogue::default()));
                        // A single output may cancel to almost nothing.
                        assert_close(&format!("{scheme:?} {outputs}x{cols} {norm:?}"), &found, &expected, 1e-9);
                    }
                }
            }
        }
    }

    /// Each way to divide the work, with schemes and norms in turn, on shapes that end within a workgroup, a row of threads and a part.
    #[test]
    fn every_division() {
        for (i, sizes) in STAGED.into_iter().enumerate() {
            let scheme = Scheme::ALL[i % 4];
            let mut fitting = 0;
            for (outputs, cols) in [(33, 896), (70, 1_120), (9, 2_848)] {
                let (x, w, nb) = (random(cols, 1), random(outputs * cols, 2), random(2 * cols, 3));
                let matrix = Matrix::from_f32(gpu(), "w", scheme, outputs, cols, &w).unwrap();
                let shape = matrix.part_shape(&matrix.parts[0], false);
                if !sizes.fit(shape) {
                    continue;
                }
                fitting += 1;
                let packed = scheme.pack(outputs, cols, &w).unwrap();
                let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
                let (weights, input) = (upload(&nb), upload(&x));
                let norms = [InputNorm::Rms(&weights, 1e-6), InputNorm::None, InputNorm::Layer(&weights, 1e-5)];
                let norm = norms[i % 3];
                let out = gpu().storage("out", 4 * outputs as u64).unwrap();
                let operands = Matvec { x: Row { buffer: &input, row: 0 }, norm, w: &matrix, out: &out };
                let run = || matvec_run(divided(shape, sizes), operands);
                let found = run();
                assert_close(
                    &format!("{shape} {norm:?}: {sizes}"),
                    &found,
                    &twin(&normed(&x, &nb, &norm), &stored),
                    1e-9,
                );
                assert_eq!(run(), found, "{shape}: {sizes}: the same bits again");
            }
            assert!(fitting > 0, "{sizes} fits no shape");
        }
    }

    fn matvec_run(kernels: crate::Kernels, operands: Matvec<'_>) -> Vec<f32> {
        run_tuned(kernels, operands.out, |plan| matvec(plan, "", operands, &Epilogue::default()))
    }

    #[test]
    fn epilogues_add_to_what_is_there() {
        let (outputs, cols) = (40, 896);
        let (w, b, before) = (random(outputs * cols, 6), random(outputs, 7), random(outputs, 8));
        // Small: the twin's GELU is exact up to 4.
        let x: Vec<f32> = random(cols, 5).iter().map(|v| v / 16.0).collect();
        let matrix = Matrix::from_f32(gpu(), "w", Scheme::Q4, outputs, cols, &w).unwrap();
        let packed = Scheme::Q4.pack(outputs, cols, &w).unwrap();
        let stored = Scheme::Q4.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
        let (bias, gate, input) = (upload(&b), upload(&[-1.3_f32]), upload(&x));
        for store in [Store::Write, Store::Add, Store::AddGated(&gate)] {
            let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Gelu, store };
            let row = Row { buffer: &input, row: 0 };
            let x64: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let expected: Vec<f64> = twin(&x64, &stored)
                .iter()
                .enumerate()
                .map(|(n, y)| epilogue.apply(*y, f64::from(b[n]), f64::from(-1.3_f32), f64::from(before[n])))
                .collect();
            for kernels in kernels_for(matrix.part_shape(&matrix.parts[0], false)) {
                let out = upload(&before);
                let operands = Matvec { x: row, norm: InputNorm::None, w: &matrix, out: &out };
                let what = format!("{store:?} {kernels}");
                let found = run_tuned(kernels, &out, |plan| matvec(plan, "", operands, &epilogue));
                assert_close(&what, &found, &expected, 1e-11);
            }
        }
    }
}
