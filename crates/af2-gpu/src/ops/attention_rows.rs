//! Attention of the rows of a batch, each with keys of its own.

use super::attention::{AttentionShape, HEAD_LIMIT};
use super::{head_quads, odd_heads};
use crate::plan::params;
use crate::shader::attention as kernels;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    AttentionRowsParams {
        head_dim: u32, queries_per_key_head: u32, q_stride: u32, kv_stride: u32, k_offset: u32, v_offset: u32,
        out_stride: u32, scale: f32,
    }
}

/// Keys of a tile.
const KEYS: u32 = 64;

/// The buffers of an attention of rows.
#[derive(Debug, Clone, Copy)]
pub struct RowBuffers<'a> {
    /// Queries, [rows, q_stride].
    pub q: &'a Buffer,
    /// Keys and values, [keys, kv_stride].
    pub kv: &'a Buffer,
    /// [rows, heads · head_dim].
    pub out: &'a Buffer,
    /// [`super::BatchRow`] of every row.
    pub rows: &'a Buffer,
}

/// `out = softmax(q · kᵀ / √head_dim) · v` per head; a causal row attends to its own sequence so far, any other to the audio it hears. Zero
/// for a row from which all audio is hidden.
///
/// # Shapes
/// As in [`RowBuffers`]; strides and offsets as in [`AttentionShape`], whose `keys` and `q_offset` are not used.
///
/// # Errors
/// A head is wider than 1024, float16 keys are no multiples of 4, or the device allows no such grid.
pub fn attention_rows(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: RowBuffers<'_>,
    rows: usize,
    shape: AttentionShape,
) -> Result<(), GpuError> {
    let shader = shape.kernel([&kernels::ATTENTION_ROWS_F32, &kernels::ATTENTION_ROWS_F16])?;
    if shape.head_dim > HEAD_LIMIT {
        let problem = format!("a head of {} is wider than {HEAD_LIMIT}", shape.head_dim);
        return Err(GpuError::BadDispatch { kernel: shader.name, problem });
    }
    let RowBuffers { q, kv, out, rows: places } = buffers;
    let threads = plan.gpu().tuning().key_threads().0.min(KEYS);
    plan.dispatch(Dispatch {
        label: label.into(),
        shader,
        constants: &[
            ("THREADS", f64::from(threads)),
            shape.causal_constant(),
            odd_heads(shape.head_dim),
            head_quads(shape.head_dim),
        ],
        params: AttentionRowsParams {
            head_dim: shape.head_dim as u32,
            queries_per_key_head: (shape.heads / shape.key_heads) as u32,
            q_stride: shape.q_stride as u32,
            kv_stride: shape.kv_stride as u32,
            k_offset: shape.k_offset as u32,
            v_offset: shape.v_offset as u32,
            out_stride: (shape.heads * shape.head_dim) as u32,
            scale: shape.scale(),
        },
        buffers: &[("q", q), ("kv", kv), ("out", out), ("rows", places)],
        groups: [rows as u32, shape.heads as u32, 1],
        weight_bytes: 0,
        flops: shape.flops(rows),
    })
}

/// Keys of a row.
#[cfg(test)]
pub(crate) fn keys_of(row: &super::BatchRow, causal: bool) -> Vec<u32> {
    if causal {
        return (0..=row.position).map(|position| row.cache_row(position)).collect();
    }
    (row.audio_first..row.audio_first + row.audio_count).filter(|token| !row.hides(*token)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::BatchRow;
    use super::super::attention::tests::{halved, separate, upload_half};
    use super::super::testing::{TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::*;

    /// Rows that hear all, one window, one window in part, and nothing; with a shared prefix of 5 and own parts that start at 20 and 40.
    pub(crate) fn rows() -> Vec<BatchRow> {
        let row = |position: u32, own: u32, audio: [u32; 2], hidden: [u32; 2]| BatchRow {
            position,
            own_base: own.wrapping_sub(5),
            prefix_base: 2,
            prefix_length: 5,
            audio_first: audio[0],
            audio_count: audio[1],
            hidden_first: hidden[0],
            hidden_end: hidden[1],
        };
        vec![
            row(3, 20, [0, 192], [0, 0]),
            row(12, 20, [64, 64], [0, 0]),
            row(90, 40, [64, 64], [33, 60]),
            row(5, 40, [64, 128], [30, 97]),
            row(4, 40, [0, 192], [0, 96]),
        ]
    }

    /// Softmax weights of a head of a row, and the keys they belong to.
    pub(crate) fn weights(
        q: &[f32],
        kv: &[f32],
        row: usize,
        head: usize,
        shape: AttentionShape,
    ) -> (Vec<u32>, Vec<f64>) {
        let AttentionShape { heads, key_heads, head_dim, .. } = shape;
        let keys = keys_of(&rows()[row], shape.causal);
        let at_q = row * shape.q_stride + head * head_dim;
        let logit = |key: &u32| -> f64 {
            let k = *key as usize * shape.kv_stride + shape.k_offset + head / (heads / key_heads) * head_dim;
            (0..head_dim).map(|d| f64::from(q[at_q + d]) * f64::from(kv[k + d])).sum::<f64>() / (head_dim as f64).sqrt()
        };
        let logits: Vec<f64> = keys.iter().map(logit).collect();
        let peak = logits.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = logits.iter().map(|logit| (logit - peak).exp()).sum();
        let weights = logits.iter().map(|logit| (logit - peak).exp() / total).collect();
        (keys, weights)
    }

    fn twin(q: &[f32], kv: &[f32], shape: AttentionShape) -> Vec<f64> {
        let mut out = Vec::new();
        for (row, head) in (0..rows().len()).flat_map(|row| (0..shape.heads).map(move |head| (row, head))) {
            let (keys, weights) = weights(q, kv, row, head, shape);
            let v = shape.v_offset + head / (shape.heads / shape.key_heads) * shape.head_dim;
            out.extend((0..shape.head_dim).map(|d| -> f64 {
                let value = |key: &u32| f64::from(kv[*key as usize * shape.kv_stride + v + d]);
                keys.iter().zip(&weights).map(|(key, weight)| weight * value(key)).sum()
            }));
        }
        out
    }

    #[test]
    fn every_row_has_its_own_keys() {
        let cases = [
            separate(8, 8, 64, 192, false),
            separate(1, 1, 720, 192, false),
            separate(3, 3, 6, 192, false),
            separate(16, 2, 128, 192, true),
            separate(6, 1, 6, 192, true),
            AttentionShape { half: true, ..separate(2, 2, 12, 192, false) },
        ];
        for shape in cases {
            let q: Vec<f32> = random(rows().len() * shape.q_stride, 1).iter().map(|v| v * 4.0).collect();
            let kv = random(192 * shape.kv_stride, 2);
            let (keys, kv) = if shape.half { (upload_half(&kv), halved(&kv)) } else { (upload(&kv), kv) };
            let out = gpu().storage("out", (4 * rows().len() * shape.heads * shape.head_dim) as u64).unwrap();
            let buffers = RowBuffers { q: &upload(&q), kv: &keys, out: &out, rows: &upload(&rows()) };
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| attention_rows(plan, "", buffers, rows().len(), shape));
                assert_close(&format!("{tuning:?} {shape:?}"), &found, &twin(&q, &kv, shape), 1e-10);
            }
        }
    }
}
