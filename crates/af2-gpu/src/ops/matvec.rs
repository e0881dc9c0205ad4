//! Matvec: one row of activations times a weight matrix, with the norm before it and the epilogue after it fused in.

use af2_core::weights::Scheme;

use super::{Epilogue, for_scheme, weight_bindings};
use crate::choice::MatvecSizes;
use crate::plan::params;
use crate::shader::{Shader, linear};
use crate::{Buffer, Dispatch, GpuError, Matrix, MatvecKernel, PlanBuilder, Tuning};

params! {
    MatvecParams { rows: u32, cols: u32, x_offset: u32, column: u32, epilogue: u32, eps: f32 }
}

/// Override constants of the kernels of [`for_one_row`]: the input's norm and the sizes.
pub(crate) fn constants(kernel: MatvecKernel, sizes: MatvecSizes, norm: &InputNorm<'_>) -> Vec<(&'static str, f64)> {
    let (rows, threads) = (f64::from(sizes.rows), f64::from(sizes.threads));
    let workgroup_memory = match kernel {
        MatvecKernel::Staged => ("TILE", 8.0 * (threads + 1.0)),
        MatvecKernel::Block => ("ROW_LANES", rows * threads),
    };
    vec![norm.constant(), ("ROWS", rows), ("THREADS", threads), workgroup_memory]
}

/// The matvec kernel of a tuning and a scheme; both lists as in [`for_scheme`].
pub(crate) fn for_one_row(
    tuning: Tuning,
    scheme: Scheme,
    staged: [&'static Shader; 4],
    block: [&'static Shader; 4],
) -> &'static Shader {
    match tuning.matvec {
        MatvecKernel::Staged => for_scheme(scheme, staged),
        MatvecKernel::Block => for_scheme(scheme, block),
    }
}

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

    pub(crate) fn buffer(&self, empty: &'a Buffer) -> &'a Buffer {
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

/// `out[n] = epilogue(Σ_k norm(x)[k] · w[n, k])`; n: output, k: input.
///
/// # Shapes
/// `x` one row of [rows, K], `w` [N, K] with K a multiple of 32, `out` \[N\]. One dispatch per part of `w`.
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
    let tuning = plan.gpu().tuning();
    let staged = [&linear::MATVEC_F32, &linear::MATVEC_F16, &linear::MATVEC_Q8, &linear::MATVEC_Q4];
    let block =
        [&linear::MATVEC_BLOCK_F32, &linear::MATVEC_BLOCK_F16, &linear::MATVEC_BLOCK_Q8, &linear::MATVEC_BLOCK_Q4];
    let shader = for_one_row(tuning, w.scheme, staged, block);
    let empty = plan.gpu().empty().clone();
    for part in &w.parts {
        let sizes = MatvecSizes::of(tuning, part.rows, w.cols);
        let mut buffers = weight_bindings(w.scheme, part);
        buffers.extend([("x", x.buffer), ("norm", norm.buffer(&empty)), ("out", out)]);
        buffers.extend(epilogue.bindings(&empty));
        plan.dispatch(Dispatch {
            label: label.into(),
            shader,
            constants: &constants(tuning.matvec, sizes, &norm),
            params: MatvecParams {
                rows: part.rows as u32,
                cols: w.cols as u32,
                x_offset: x.offset(w.cols),
                column: part.first_output as u32,
                epilogue: epilogue.bits(),
                eps: norm.eps(),
            },
            buffers: &buffers,
            groups: [sizes.groups(part.rows), 1, 1],
            weight_bytes: w.part_bytes(part),
            flops: 2 * (part.rows * w.cols) as u64,
        })?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::testing::{TUNINGS, assert_close, gpu, random, run, run_tuned, upload};
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

    #[test]
    fn epilogues_add_to_what_is_there() {
        let (outputs, cols) = (40, 64);
        let (x, w, b, before) = (random(cols, 5), random(outputs * cols, 6), random(outputs, 7), random(outputs, 8));
        let matrix = Matrix::from_f32(gpu(), "w", Scheme::Q4, outputs, cols, &w).unwrap();
        let packed = Scheme::Q4.pack(outputs, cols, &w).unwrap();
        let stored = Scheme::Q4.unpack(outputs, cols, &packed.data, &packed.scales).unwrap();
        let (bias, gate, input) = (upload(&b), upload(&[-1.3_f32]), upload(&x));
        for store in [Store::Write, Store::Add, Store::AddGated(&gate)] {
            let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Gelu, store };
            let out = upload(&before);
            let row = Row { buffer: &input, row: 0 };
            let operands = Matvec { x: row, norm: InputNorm::None, w: &matrix, out: &out };
            let found = run(&out, |plan| matvec(plan, "", operands, &epilogue));
            let x64: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let expected: Vec<f64> = twin(&x64, &stored)
                .iter()
                .enumerate()
                .map(|(n, y)| epilogue.apply(*y, f64::from(b[n]), f64::from(-1.3_f32), f64::from(before[n])))
                .collect();
            assert_close(&format!("{store:?}"), &found, &expected, 1e-11);
        }
    }
}
