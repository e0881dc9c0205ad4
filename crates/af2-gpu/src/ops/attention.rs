//! Attention of many queries: the audio transformer, and cross-attention and self-attention of a prompt.

use super::odd_heads;
use crate::plan::params;
use crate::shader::{Shader, attention as kernels};
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    AttentionParams {
        rows: u32, keys: u32, head_dim: u32, queries_per_key_head: u32, q_stride: u32, q_offset: u32,
        kv_stride: u32, k_offset: u32, v_offset: u32, out_stride: u32, scale: f32,
    }
}

/// Sizes and strides of an attention. Strides and offsets are in elements.
#[derive(Debug, Clone, Copy)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Key/value heads; a divisor of `heads`.
    pub key_heads: usize,
    /// Width of one head; at most 1024 in [`attention`].
    pub head_dim: usize,
    /// Keys. Ignored if causal: then row r sees keys 0 to position + r of the step's slot.
    pub keys: usize,
    /// Whether later keys are hidden.
    pub causal: bool,
    /// Elements between rows of q.
    pub q_stride: usize,
    /// Where head 0 of row 0 of q starts.
    pub q_offset: usize,
    /// Elements between rows of k and v.
    pub kv_stride: usize,
    /// Where head 0 of row 0 of k starts.
    pub k_offset: usize,
    /// Where head 0 of row 0 of v starts.
    pub v_offset: usize,
    /// Whether keys and values are float16, as [`super::pack_f16::pack_f16`] writes them. Then `head_dim`, `kv_stride` and the offsets are
    /// multiples of 4.
    pub half: bool,
    /// Sounds, of which each has queries and keys of its own, one after another; 1 if causal.
    pub sounds: usize,
}

impl AttentionShape {
    /// Queries [rows, heads · head_dim] in a buffer of their own, keys and values side by side: [keys, 2 · key_heads · head_dim].
    pub fn separate(heads: usize, key_heads: usize, head_dim: usize, keys: usize) -> Self {
        let (q_stride, v_offset) = (heads * head_dim, key_heads * head_dim);
        let kv_stride = 2 * v_offset;
        let (causal, half, q_offset, k_offset) = (false, false, 0, 0);
        let sounds = 1;
        Self {
            heads,
            key_heads,
            head_dim,
            keys,
            causal,
            q_stride,
            q_offset,
            kv_stride,
            k_offset,
            v_offset,
            half,
            sounds,
        }
    }

    /// Queries, keys and values side by side in one buffer, [rows, 3 · heads · head_dim].
    pub fn joint(heads: usize, head_dim: usize, rows: usize) -> Self {
        let width = heads * head_dim;
        let (stride, k_offset, v_offset) = (3 * width, width, 2 * width);
        let separate = Self::separate(heads, heads, head_dim, rows);
        Self { q_stride: stride, kv_stride: stride, k_offset, v_offset, ..separate }
    }

    pub(crate) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// Of both matmuls for `rows` queries. If causal, only the keys of these rows are counted: earlier ones are not known here.
    pub(crate) fn flops(&self, rows: usize) -> u64 {
        let pairs = if self.causal { rows * (rows + 1) / 2 } else { rows * self.keys };
        4 * (self.sounds * self.heads * self.head_dim * pairs) as u64
    }

    /// The kernel of the keys' type, of two in the order f32, f16.
    pub(crate) fn kernel(&self, [single, half]: [&'static Shader; 2]) -> Result<&'static Shader, GpuError> {
        let Self { head_dim, kv_stride, k_offset, v_offset, .. } = self;
        if !self.half {
            return Ok(single);
        }
        if [head_dim, kv_stride, k_offset, v_offset].iter().all(|count| count.is_multiple_of(4)) {
            return Ok(half);
        }
        let problem = format!("float16 keys need multiples of 4, not heads of {head_dim}");
        Err(GpuError::BadDispatch { kernel: half.name, problem })
    }

    pub(crate) fn causal_constant(&self) -> (&'static str, f64) {
        ("CAUSAL", f64::from(u8::from(self.causal)))
    }
}

/// Results of a workgroup, queries · head_dim, at most: 64 threads with four blocks of 4 × 4 each.
const RESULTS: usize = 4096;
/// Queries per workgroup, a multiple of 4: at most.
const MOST_QUERIES: usize = 32;
/// And at least.
const FEWEST_QUERIES: usize = 4;
/// Widest head.
pub(crate) const HEAD_LIMIT: usize = RESULTS / FEWEST_QUERIES;
/// Keys per tile, as in the kernel.
const KEYS: usize = 32;

/// The buffers of an attention.
#[derive(Debug, Clone, Copy)]
pub struct AttentionBuffers<'a> {
    /// Queries, [rows, q_stride].
    pub q: &'a Buffer,
    /// Keys and values, [keys, kv_stride]; may be the same buffer as `q`.
    pub kv: &'a Buffer,
    /// [rows, heads · head_dim].
    pub out: &'a Buffer,
    /// The step; read only if causal.
    pub step: &'a Buffer,
}

/// `out = softmax(q · kᵀ / √head_dim) · v` per head; q, k, v: rows of queries, keys and values.
///
/// # Shapes
/// `q` [sounds · rows, q_stride], `kv` [sounds · keys, kv_stride], `out` [sounds · rows, heads · head_dim]; strides and offsets as in [`AttentionShape`].
///
/// # Errors
/// A head is wider than 1024, float16 keys are no multiples of 4, or the device allows no such grid.
pub fn attention(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: AttentionBuffers<'_>,
    rows: usize,
    shape: AttentionShape,
) -> Result<(), GpuError> {
    if shape.head_dim > HEAD_LIMIT {
        let problem = format!("a head of {} is wider than {HEAD_LIMIT}", shape.head_dim);
        return Err(GpuError::BadDispatch { kernel: kernels::ATTENTION_F32.name, problem });
    }
    let queries = MOST_QUERIES.min(RESULTS / shape.head_dim / FEWEST_QUERIES * FEWEST_QUERIES);
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: shape.kernel([&kernels::ATTENTION_F32, &kernels::ATTENTION_F16])?,
        constants: &[
            ("QUERIES", queries as f64),
            ("TILE", (queries * KEYS / 4) as f64),
            shape.causal_constant(),
            odd_heads(shape.head_dim),
        ],
        params: AttentionParams {
            rows: rows as u32,
            keys: shape.keys as u32,
            head_dim: shape.head_dim as u32,
            queries_per_key_head: (shape.heads / shape.key_heads) as u32,
            q_stride: shape.q_stride as u32,
            q_offset: shape.q_offset as u32,
            kv_stride: shape.kv_stride as u32,
            k_offset: shape.k_offset as u32,
            v_offset: shape.v_offset as u32,
            out_stride: (shape.heads * shape.head_dim) as u32,
            scale: shape.scale(),
        },
        buffers: &[("q", buffers.q), ("kv", buffers.kv), ("out", buffers.out), ("step", buffers.step)],
        groups: [rows.div_ceil(queries) as u32, shape.heads as u32, shape.sounds as u32],
        weight_bytes: 0,
        flops: shape.flops(rows),
    })
}

/// The plain loops. `position` and `slot_base` matter only if causal.
pub(crate) fn twin(
    q: &[f32],
    kv: &[f32],
    rows: usize,
    shape: AttentionShape,
    position: usize,
    slot_base: usize,
) -> Vec<f64> {
    let AttentionShape { heads, key_heads, head_dim, .. } = shape;
    let mut out = Vec::with_capacity(rows * heads * head_dim);
    for row in 0..rows {
        let keys = if shape.causal { position + row + 1 } else { shape.keys };
        let first = if shape.causal { slot_base } else { 0 };
        for head in 0..heads {
            let key_head = head / (heads / key_heads);
            let at_q = row * shape.q_stride + shape.q_offset + head * head_dim;
            let at = |j: usize, offset: usize| (first + j) * shape.kv_stride + offset + key_head * head_dim;
            let logit = |j: usize| -> f64 {
                let k = at(j, shape.k_offset);
                (0..head_dim).map(|d| f64::from(q[at_q + d]) * f64::from(kv[k + d])).sum::<f64>()
                    / (head_dim as f64).sqrt()
            };
            let logits: Vec<f64> = (0..keys).map(logit).collect();
            let peak = logits.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = logits.iter().map(|l| (l - peak).exp()).collect();
            let total: f64 = weights.iter().sum();
            out.extend((0..head_dim).map(|d| {
                weights.iter().enumerate().map(|(j, w)| w * f64::from(kv[at(j, shape.v_offset) + d])).sum::<f64>()
                    / total
            }));
        }
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Step;
    use super::super::pack_f16::pack_f16;
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    pub(crate) fn separate(heads: usize, key_heads: usize, width: usize, keys: usize, causal: bool) -> AttentionShape {
        AttentionShape { causal, ..AttentionShape::separate(heads, key_heads, width, keys) }
    }

    #[test]
    fn every_shape() {
        let cases = [
            (1, separate(1, 1, 8, 1, false)),
            (5, separate(8, 8, 64, 64, false)),
            (33, separate(2, 2, 256, 100, false)),
            (3, separate(1, 1, 600, 40, false)),
            (40, separate(4, 2, 32, 0, true)),
            (17, separate(6, 1, 6, 0, true)),
        ];
        for (rows, shape) in cases {
            let (position, slot_base) = (7, 3);
            let stored = if shape.causal { slot_base + position + rows } else { shape.keys };
            let q: Vec<f32> = random(rows * shape.q_stride, 1).iter().map(|v| v * 4.0).collect();
            let kv = random(stored * shape.kv_stride, 2);
            let step = Step::buffer(gpu()).unwrap();
            let state = Step { position: position as u32, slot_base: slot_base as u32, ..Step::default() };
            gpu().write(&step, 0, bytemuck::bytes_of(&state));
            let out = gpu().storage("out", (4 * rows * shape.heads * shape.head_dim) as u64).unwrap();
            let buffers = AttentionBuffers { q: &upload(&q), kv: &upload(&kv), out: &out, step: &step };
            let found = run(&out, |plan| attention(plan, "", buffers, rows, shape));
            assert_close(&format!("{rows} {shape:?}"), &found, &twin(&q, &kv, rows, shape, position, slot_base), 1e-10);
        }
    }

    /// Values rounded to float16.
    pub(crate) fn halved(values: &[f32]) -> Vec<f32> {
        values.iter().map(|value| half::f16::from_f32(*value).to_f32()).collect()
    }

    /// A buffer of `values` in float16, packed on the GPU.
    pub(crate) fn upload_half(values: &[f32]) -> Buffer {
        let packed = gpu().storage("half", 2 * values.len() as u64).unwrap();
        let mut plan = PlanBuilder::new(gpu(), "pack", None);
        pack_f16(&mut plan, "", &upload(values), &packed, &gpu().storage("flag", 4).unwrap(), values.len()).unwrap();
        gpu().run(&[&plan.finish().unwrap()]);
        packed
    }

    #[test]
    fn keys_in_float16() {
        for (rows, heads, head_dim, keys) in [(1, 1, 8, 1), (33, 8, 64, 100), (5, 2, 12, 65)] {
            let shape = AttentionShape { half: true, ..separate(heads, heads, head_dim, keys, false) };
            let (q, kv) = (random(rows * shape.q_stride, 3), random(keys * shape.kv_stride, 4));
            let step = Step::buffer(gpu()).unwrap();
            let out = gpu().storage("out", (4 * rows * heads * head_dim) as u64).unwrap();
            let buffers = AttentionBuffers { q: &upload(&q), kv: &upload_half(&kv), out: &out, step: &step };
            let found = run(&out, |plan| attention(plan, "", buffers, rows, shape));
            assert_close(&format!("{rows} {shape:?}"), &found, &twin(&q, &halved(&kv), rows, shape, 0, 0), 1e-10);
        }
    }

    #[test]
    fn float16_keys_of_odd_heads_are_refused() {
        let shape = AttentionShape { half: true, ..separate(2, 2, 6, 5, false) };
        assert!(matches!(
            shape.kernel([&kernels::ATTENTION_F32, &kernels::ATTENTION_F16]),
            Err(GpuError::BadDispatch { .. })
        ));
    }

    #[test]
    fn sounds_know_nothing_of_each_other() {
        let (sounds, rows, heads, head_dim) = (3, 33, 2, 16);
        let width = heads * head_dim;
        let shape = AttentionShape { sounds, ..AttentionShape::joint(heads, head_dim, rows) };
        let qkv = random(sounds * rows * 3 * width, 1);
        let (buffer, step) = (upload(&qkv), Step::buffer(gpu()).unwrap());
        let out = gpu().storage("out", (4 * sounds * rows * width) as u64).unwrap();
        let buffers = AttentionBuffers { q: &buffer, kv: &buffer, out: &out, step: &step };
        let found = run(&out, |plan| attention(plan, "", buffers, rows, shape));
        let each = qkv.chunks_exact(rows * 3 * width);
        let expected: Vec<f64> = each.flat_map(|sound| twin(sound, sound, rows, shape, 0, 0)).collect();
        assert_close("sounds", &found, &expected, 1e-10);
    }

    #[test]
    fn queries_keys_and_values_may_share_a_buffer() {
        let (rows, heads, head_dim) = (70, 2, 16);
        let width = heads * head_dim;
        let shape = AttentionShape::joint(heads, head_dim, rows);
        let qkv = random(rows * 3 * width, 1);
        let (buffer, step) = (upload(&qkv), Step::buffer(gpu()).unwrap());
        let out = gpu().storage("out", (4 * rows * width) as u64).unwrap();
        let buffers = AttentionBuffers { q: &buffer, kv: &buffer, out: &out, step: &step };
        let found = run(&out, |plan| attention(plan, "", buffers, rows, shape));
        assert_close("shared", &found, &twin(&qkv, &qkv, rows, shape, 0, 0), 1e-10);
    }
}
