//! How much each audio token adds to the rows of a batch through one cross-attention.

use super::attention::AttentionShape;
use super::{head_quads, odd_heads};
use crate::plan::params;
use crate::shader::attention as kernels;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    RelevanceParams {
        head_dim: u32, heads: u32, q_stride: u32, kv_stride: u32, k_offset: u32, v_offset: u32, tokens: u32, scale: f32,
    }
}

/// The buffers of [`relevance`].
#[derive(Debug, Clone, Copy)]
pub struct RelevanceBuffers<'a> {
    /// Queries, [rows, heads · head_dim].
    pub q: &'a Buffer,
    /// Keys and values of the audio, [T, kv_stride].
    pub kv: &'a Buffer,
    /// The gate before its tanh, \[1\].
    pub gate: &'a Buffer,
    /// [`super::BatchRow`] of every row.
    pub rows: &'a Buffer,
    /// [rows, heads, T].
    pub relevance: &'a Buffer,
}

/// `relevance[r, h, k] += softmax(q · kᵀ / √head_dim)[k] · ‖v_k‖ · |tanh(gate)|`.
///
/// # Shapes
/// As in [`RelevanceBuffers`], T = `shape.keys`.
///
/// # Errors
/// Float16 keys are no multiples of 4, or the device allows no such grid.
pub fn relevance(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: RelevanceBuffers<'_>,
    rows: usize,
    shape: AttentionShape,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: shape.kernel([&kernels::RELEVANCE_F32, &kernels::RELEVANCE_F16])?,
        constants: &[odd_heads(shape.head_dim), head_quads(shape.head_dim)],
        params: RelevanceParams {
            head_dim: shape.head_dim as u32,
            heads: shape.heads as u32,
            q_stride: shape.q_stride as u32,
            kv_stride: shape.kv_stride as u32,
            k_offset: shape.k_offset as u32,
            v_offset: shape.v_offset as u32,
            tokens: shape.keys as u32,
            scale: shape.scale(),
        },
        buffers: &[
            ("q", buffers.q),
            ("kv", buffers.kv),
            ("gate", buffers.gate),
            ("rows", buffers.rows),
            ("relevance", buffers.relevance),
        ],
        groups: [rows as u32, shape.heads as u32, 1],
        weight_bytes: 0,
        flops: shape.flops(rows),
    })
}

#[cfg(test)]
mod tests {
    use super::super::attention::tests::{halved, separate, upload_half};
    use super::super::attention_rows::tests::{rows, weights};
    use super::super::testing::{assert_close, random, run, upload};
    use super::*;

    #[test]
    fn adds_to_what_is_there() {
        let (tokens, gate) = (192, -0.7_f32);
        for shape in [
            separate(8, 8, 64, tokens, false),
            separate(3, 3, 6, tokens, false),
            AttentionShape { half: true, ..separate(2, 2, 12, tokens, false) },
        ] {
            // The last row hears nothing, and what there is to norm then is not defined.
            let count = rows().len() - 1;
            let (q, kv) = (random(count * shape.q_stride, 1), random(tokens * shape.kv_stride, 2));
            let (keys, kv) = if shape.half { (upload_half(&kv), halved(&kv)) } else { (upload(&kv), kv) };
            let before = random(count * shape.heads * tokens, 3);
            let mut expected: Vec<f64> = before.iter().map(|value| f64::from(*value)).collect();
            for (row, head) in (0..count).flat_map(|row| (0..shape.heads).map(move |head| (row, head))) {
                let (keys, weights) = weights(&q, &kv, row, head, shape);
                for (key, weight) in keys.into_iter().zip(weights) {
                    let v = key as usize * shape.kv_stride + shape.v_offset + head * shape.head_dim;
                    let norm = kv[v..v + shape.head_dim].iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
                    expected[(row * shape.heads + head) * tokens + key as usize] +=
                        weight * norm * f64::from(gate).tanh().abs();
                }
            }
            let out = upload(&before);
            let buffers = RelevanceBuffers {
                q: &upload(&q),
                kv: &keys,
                gate: &upload(&[gate]),
                rows: &upload(&rows()),
                relevance: &out,
            };
            let found = run(&out, |plan| relevance(plan, "", buffers, count, shape));
            assert_close(&format!("{shape:?}"), &found, &expected, 1e-12);
        }
    }
}
