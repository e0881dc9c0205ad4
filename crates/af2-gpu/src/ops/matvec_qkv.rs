//! The query, key and value projections of one token in one matvec, with rotary positions and cache write.

use super::matvec::{Input, InputNorm, OneRow, Row};
use crate::plan::params;
use crate::shader::linear;
use crate::{Buffer, GpuError, Matrix, PlanBuilder};

params! {
    QkvParams { heads: u32, kv_heads: u32, head_dim: u32, cols: u32, x_offset: u32, eps: f32 }
}

const QKV: OneRow = OneRow {
    staged: [&linear::MATVEC_QKV_F32, &linear::MATVEC_QKV_F16, &linear::MATVEC_QKV_Q8, &linear::MATVEC_QKV_Q4],
    block: [
        &linear::MATVEC_QKV_BLOCK_F32,
        &linear::MATVEC_QKV_BLOCK_F16,
        &linear::MATVEC_QKV_BLOCK_Q8,
        &linear::MATVEC_QKV_BLOCK_Q4,
    ],
    combine: &linear::MATVEC_QKV_COMBINE,
    paired: true,
};

/// Heads of a grouped-query attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub query: usize,
    /// Key/value heads.
    pub key_value: usize,
    /// Width of one head.
    pub width: usize,
}

/// The buffers of [`matvec_qkv`] apart from the input row.
#[derive(Debug, Clone, Copy)]
pub struct QkvBuffers<'a> {
    /// Bias of q, k and v, [(query + 2 key_value) · width].
    pub bias: &'a Buffer,
    /// Cosine and sine per position and pair, [positions, width / 2, 2].
    pub rotary: &'a Buffer,
    /// Queries, [query · width].
    pub q: &'a Buffer,
    /// Cache, [rows, 2, key_value · width].
    pub kv: &'a Buffer,
    /// The step.
    pub step: &'a Buffer,
}

/// `y[n] = bias[n] + Σ_k norm(x)[k] · w[n, k]`, split into q, k and v; q and k rotated by the step's position p; q to its buffer, k and v
/// to row p of the step's slot of the cache.
///
/// # Shapes
/// `x` one row of [rows, K], `w` [(query + 2 key_value) · width, K] in one part, K a multiple of 32; buffers as in [`QkvBuffers`].
///
/// # Errors
/// The matrix has several parts, or the device allows no such grid.
pub fn matvec_qkv(
    plan: &mut PlanBuilder,
    label: &str,
    x: Row<'_>,
    norm: InputNorm<'_>,
    w: &Matrix,
    heads: Heads,
    buffers: QkvBuffers<'_>,
) -> Result<(), GpuError> {
    let [part] = w.parts.as_slice() else {
        return Err(GpuError::BadMatrix { name: w.name.clone(), problem: "q, k and v must fit in one binding".into() });
    };
    let params = QkvParams {
        heads: heads.query as u32,
        kv_heads: heads.key_value as u32,
        head_dim: heads.width as u32,
        cols: w.cols as u32,
        x_offset: x.offset(w.cols),
        eps: norm.eps(),
    };
    let QkvBuffers { bias, rotary, q, kv, step } = buffers;
    let results = [("bias", bias), ("rotary", rotary), ("q", q), ("kv", kv), ("step", step)];
    QKV.dispatch(plan, label, Input { x, norm, w }, part, params, &results)
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::super::Step;
    use super::super::matvec::tests::{normed, twin};
    use super::super::testing::{assert_close, gpu, kernels_for, random, run_tuned, upload, wait};
    use super::*;

    #[test]
    fn projects_rotates_and_writes_the_cache() {
        for (scheme, query, key_value, width, cols) in [
            (Scheme::F32, 4, 2, 32, 128),
            (Scheme::Q4, 3, 1, 64, 96),
            (Scheme::Q8, 2, 2, 6, 32),
            (Scheme::F16, 14, 2, 64, 64),
            (Scheme::Q4, 4, 1, 32, 896),
        ] {
            let heads = Heads { query, key_value, width };
            let rows = (query + 2 * key_value) * width;
            let (x, w, b, nb) = (random(cols, 1), random(rows * cols, 2), random(rows, 3), random(cols, 4));
            let packed = scheme.pack(rows, cols, &w).unwrap();
            let stored = scheme.unpack(rows, cols, &packed.data, &packed.scales).unwrap();
            let matrix = Matrix::from_f32(gpu(), "w", scheme, rows, cols, &w).unwrap();
            let (position, slot) = (5_usize, 10_usize);
            let rotary = random(8 * width, 5);
            let step = Step::buffer(gpu()).unwrap();
            let state = Step { position: position as u32, slot_base: slot as u32, ..Step::default() };
            gpu().write(&step, 0, bytemuck::bytes_of(&state));
            let kv_width = 2 * key_value * width;
            let q = gpu().storage("q", 4 * (query * width) as u64).unwrap();
            let kv = gpu().storage("kv", 4 * (20 * kv_width) as u64).unwrap();
            let (input, bias, weights, table) = (upload(&x), upload(&b), upload(&nb), upload(&rotary));
            let norm = InputNorm::Rms(&weights, 1e-6);
            let buffers = QkvBuffers { bias: &bias, rotary: &table, q: &q, kv: &kv, step: &step };
            let row = Row { buffer: &input, row: 0 };
            let mut y = twin(&normed(&x, &nb, &norm), &stored);
            y.iter_mut().zip(&b).for_each(|(y, b)| *y += f64::from(*b));
            for head in 0..query + key_value {
                for i in 0..width / 2 {
                    let at = 2 * (position * width / 2 + i);
                    let (cos, sin) = (f64::from(rotary[at]), f64::from(rotary[at + 1]));
                    let (a, b) = (y[head * width + i], y[head * width + i + width / 2]);
                    y[head * width + i] = a * cos - b * sin;
                    y[head * width + i + width / 2] = b * cos + a * sin;
                }
            }
            for kernels in kernels_for(matrix.part_shape(&matrix.parts[0], true)) {
                let what = format!("{scheme:?} {kernels}");
                let found = run_tuned(kernels, &q, |plan| matvec_qkv(plan, "", row, norm, &matrix, heads, buffers));
                assert_close(&format!("{what} q"), &found, &y[..query * width], 1e-11);
                let cache: Vec<f32> = wait(gpu().read_all(&kv)).unwrap();
                let at = (slot + position) * kv_width;
                assert_close(&format!("{what} kv"), &cache[at..at + kv_width], &y[query * width..], 1e-11);
                assert!(cache[..at].iter().all(|v| *v == 0.0), "no other cache row is touched");
            }
        }
    }
}
