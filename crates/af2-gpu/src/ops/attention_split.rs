//! Attention of one query, split over the keys, and the kernel that combines the splits.

use super::attention::{AttentionBuffers, AttentionShape};
use super::odd_heads;
use crate::plan::params;
use crate::shader::attention as kernels;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    SplitParams {
        keys: u32, head_dim: u32, queries_per_key_head: u32, kv_stride: u32, k_offset: u32, v_offset: u32, scale: f32,
    }
}

params! {
    CombineParams { keys: u32, head_dim: u32, splits: u32, keys_per_split: u32 }
}

/// Keys per workgroup: `SLICE` of the kernel.
const KEYS_PER_SPLIT: usize = 64;

/// Bytes of the partial results for `keys` keys.
pub fn partial_bytes(heads: usize, head_dim: usize, keys: usize) -> u64 {
    (16 * heads * keys.div_ceil(KEYS_PER_SPLIT) * (1 + head_dim.div_ceil(4))) as u64
}

/// Dispatches of [`attention_split`]: keys that fit one slice need no combining.
pub const fn dispatches(most_keys: usize) -> usize {
    if most_keys <= KEYS_PER_SPLIT { 1 } else { 2 }
}

/// `out = softmax(q · kᵀ / √head_dim) · v` per head for a single row, in one or two [`dispatches`].
///
/// # Shapes
/// `q`, `out` [heads · head_dim]; `kv` [keys, kv_stride]; `partial` of [`partial_bytes`] for `most_keys` keys: the number of keys, or the
/// most there can be if causal.
///
/// # Errors
/// Float16 keys are no multiples of 4, or the device allows no such grid.
pub fn attention_split(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: AttentionBuffers<'_>,
    partial: &Buffer,
    shape: AttentionShape,
    most_keys: usize,
) -> Result<(), GpuError> {
    let AttentionBuffers { q, kv, out, step } = buffers;
    let splits = most_keys.div_ceil(KEYS_PER_SPLIT) as u32;
    let whole = dispatches(most_keys) == 1;
    let (threads, parts) = plan.gpu().tuning().key_threads();
    let threads_constant = ("THREADS", f64::from(threads));
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: shape.kernel([&kernels::ATTENTION_SPLIT_F32, &kernels::ATTENTION_SPLIT_F16])?,
        constants: &[
            threads_constant,
            ("PARTS", f64::from(parts)),
            ("WHOLE", f64::from(u8::from(whole))),
            shape.causal_constant(),
            odd_heads(shape.head_dim),
        ],
        params: SplitParams {
            keys: shape.keys as u32,
            head_dim: shape.head_dim as u32,
            queries_per_key_head: (shape.heads / shape.key_heads) as u32,
            kv_stride: shape.kv_stride as u32,
            k_offset: shape.k_offset as u32,
            v_offset: shape.v_offset as u32,
            scale: shape.scale(),
        },
        buffers: &[("q", q), ("kv", kv), ("out", if whole { out } else { partial }), ("step", step)],
        groups: [shape.heads as u32, splits, 1],
        weight_bytes: 0,
        flops: shape.flops(1),
    })?;
    if whole {
        return Ok(());
    }
    plan.dispatch(Dispatch {
        label: format!("{label} combine"),
        shader: &kernels::ATTENTION_COMBINE,
        constants: &[threads_constant, shape.causal_constant()],
        params: CombineParams {
            keys: shape.keys as u32,
            head_dim: shape.head_dim as u32,
            splits,
            keys_per_split: KEYS_PER_SPLIT as u32,
        },
        buffers: &[("partial", partial), ("out", out), ("step", step)],
        groups: [shape.heads as u32, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::super::attention::tests::{halved, separate, upload_half};
    use super::super::attention::twin;
    use super::super::testing::{TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::*;

    #[test]
    fn every_number_of_keys() {
        let cases = [
            (separate(8, 8, 64, 64, false), 0),
            (separate(8, 8, 64, 1920, false), 0),
            (separate(3, 3, 64, 65, false), 0),
            (separate(1, 1, 8, 1, false), 0),
            (separate(2, 2, 512, 70, false), 0),
            (separate(1, 1, 720, 33, false), 0),
            (separate(2, 2, 720, 130, false), 0),
            (separate(3, 3, 24, 64, false), 0),
            (separate(3, 1, 24, 200, false), 0),
            (separate(16, 2, 128, 0, true), 399),
            (separate(4, 2, 32, 0, true), 0),
            (separate(14, 2, 64, 0, true), 300),
            (separate(6, 1, 6, 0, true), 63),
            (AttentionShape { half: true, ..separate(8, 8, 64, 1920, false) }, 0),
            (AttentionShape { half: true, ..separate(3, 3, 12, 65, false) }, 0),
        ];
        for (shape, position) in cases {
            let (slot_base, most_keys) = (5, if shape.causal { 400 } else { shape.keys });
            let q: Vec<f32> = random(shape.q_stride, 1).iter().map(|v| v * 4.0).collect();
            let kv = random((slot_base + most_keys) * shape.kv_stride, 2);
            let step = Step::buffer(gpu()).unwrap();
            let state = Step { position: position as u32, slot_base: slot_base as u32, ..Step::default() };
            gpu().write(&step, 0, bytemuck::bytes_of(&state));
            let partial = gpu().storage("partial", partial_bytes(shape.heads, shape.head_dim, most_keys)).unwrap();
            let out = gpu().storage("out", (4 * shape.q_stride) as u64).unwrap();
            let (keys, kv) = if shape.half { (upload_half(&kv), halved(&kv)) } else { (upload(&kv), kv) };
            let expected = twin(&q, &kv, 1, shape, position, slot_base);
            let buffers = AttentionBuffers { q: &upload(&q), kv: &keys, out: &out, step: &step };
            for tuning in TUNINGS {
                let found =
                    run_tuned(tuning, &out, |plan| attention_split(plan, "", buffers, &partial, shape, most_keys));
                assert_close(&format!("{position} {shape:?}"), &found, &expected, 1e-10);
            }
        }
    }
}
