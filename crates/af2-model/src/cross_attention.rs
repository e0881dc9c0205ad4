//! The gated cross-attention block that stands before a decoder layer (Flamingo, Alayrac et al. 2022).
//!
//! ```text
//! x ── norm ── to_q ── attention over the audio ── to_out ── ·tanh(attn_gate) ──(+)──
//!   ── norm ── ff.1 ── GELU ── ff.3 ── ·tanh(ff_gate) ──(+)── x
//! ```

use af2_core::config::ModelConfig;
use af2_core::weights::Scheme;
use af2_core::weights::manifest::{Part, TensorUse};
use af2_core::weights::stored::StoredTensor;
use af2_gpu::ops::attention::{AttentionShape, attention};
use af2_gpu::ops::attention_split::attention_split;
use af2_gpu::ops::layer_norm::layer_norm;
use af2_gpu::ops::matmul::matmul;
use af2_gpu::ops::matvec::{InputNorm, Row, matvec};
use af2_gpu::ops::{Activation, Epilogue, Store};
use af2_gpu::{Buffer, GpuError, PlanBuilder};

use crate::decoder::Scratch;
use crate::encoder::TOKENS_PER_WINDOW;
use crate::weights::CrossAttention;

const EPS: f32 = 1e-5;

/// How the audio's keys and values are kept, by the matrix that makes them: exactly where it is exact, else in half the bytes. Float16
/// errs by 0.03 %, such a matrix by as much or more; and every token reads all of them. In float32, those of five minutes would
/// be half as many bytes as the smallest release reads of weights.
pub(crate) fn kept_as(to_kv: Scheme, head_dim: usize) -> Scheme {
    if to_kv == Scheme::F32 || !head_dim.is_multiple_of(4) { Scheme::F32 } else { Scheme::F16 }
}

/// Bytes of a window's keys and values in one block whose `to_kv` has so many rows.
pub(crate) fn audio_bytes(to_kv: Scheme, head_dim: usize, rows: usize) -> u64 {
    kept_as(to_kv, head_dim).data_bytes(TOKENS_PER_WINDOW, rows)
}

/// Bytes of the audio's keys and values per window: held, and read by every decoded token.
pub fn audio_bytes_per_window(config: &ModelConfig, tensors: &[(TensorUse, StoredTensor)]) -> u64 {
    let head_dim = config.cross_attention.head_dim;
    let made = tensors.iter().filter(|(tensor, _)| tensor.part == Part::CrossAttention && !tensor.per_token);
    made.map(|(_, to_kv)| audio_bytes(to_kv.scheme, head_dim, to_kv.rows)).sum()
}

/// The audio's keys and values of one block, and their size.
#[derive(Clone, Copy)]
pub(crate) struct AudioMemory<'a> {
    /// [T, 2 · width]: k, then v; as `kept`.
    pub kv: &'a Buffer,
    /// T.
    pub tokens: usize,
    pub heads: usize,
    pub head_dim: usize,
    pub kept: Scheme,
}

impl AudioMemory<'_> {
    fn shape(&self) -> AttentionShape {
        let width = self.heads * self.head_dim;
        AttentionShape {
            heads: self.heads,
            key_heads: self.heads,
            head_dim: self.head_dim,
            keys: self.tokens,
            causal: false,
            q_stride: width,
            q_offset: 0,
            kv_stride: 2 * width,
            k_offset: 0,
            v_offset: width,
            half: self.kept == Scheme::F16,
        }
    }
}

/// The block for `rows` prompt tokens in `s.x`.
pub(crate) fn prompt_block(
    plan: &mut PlanBuilder,
    layer: usize,
    weights: &CrossAttention,
    memory: AudioMemory<'_>,
    s: &Scratch,
    rows: usize,
) -> Result<(), GpuError> {
    let hidden = weights.to_q.cols;
    let label = |part: &str| format!("{layer}.cross.{part}");
    let gated = |gate| Epilogue { store: Store::AddGated(gate), ..Epilogue::default() };
    let gelu = Epilogue { activation: Activation::Gelu, ..Epilogue::default() };

    layer_norm(plan, &label("attn.norm"), &s.x, &weights.attn_norm, &s.normed, [rows, hidden], EPS, 1.0)?;
    matmul(plan, &label("attn.to_q"), &s.normed, &weights.to_q, &s.q, rows, &Epilogue::default())?;
    attention(plan, &label("attn"), &s.q, memory.kv, &s.attended, &s.step, rows, memory.shape())?;
    if plan.taps_wanted() {
        matmul(plan, &label("attn.to_out raw"), &s.attended, &weights.to_out, &s.normed, rows, &Epilogue::default())?;
        plan.tap(&format!("xattn{layer}_attn_raw"), &s.normed, &[1, rows, hidden])?;
    }
    matmul(plan, &label("attn.to_out"), &s.attended, &weights.to_out, &s.x, rows, &gated(&weights.attn_gate))?;
    layer_norm(plan, &label("ff.norm"), &s.x, &weights.ff_norm, &s.normed, [rows, hidden], EPS, 1.0)?;
    matmul(plan, &label("ff.1"), &s.normed, &weights.ff_1, &s.inner, rows, &gelu)?;
    matmul(plan, &label("ff.3"), &s.inner, &weights.ff_3, &s.x, rows, &gated(&weights.ff_gate))?;
    plan.tap(&format!("xattn{layer}_out"), &s.x, &[1, rows, hidden])
}

/// The block for the one token in row 0 of `s.x`: five dispatches, or six where the sound has more than one window.
pub(crate) fn token_block(
    plan: &mut PlanBuilder,
    layer: usize,
    weights: &CrossAttention,
    memory: AudioMemory<'_>,
    s: &Scratch,
) -> Result<(), GpuError> {
    let label = |part: &str| format!("{layer}.cross.{part}");
    let row = |buffer| Row { buffer, row: 0 };
    let gated = |gate| Epilogue { store: Store::AddGated(gate), ..Epilogue::default() };
    let gelu = Epilogue { activation: Activation::Gelu, ..Epilogue::default() };
    let (attn_norm, ff_norm) = (InputNorm::Layer(&weights.attn_norm, EPS), InputNorm::Layer(&weights.ff_norm, EPS));

    matvec(plan, &label("attn.to_q"), row(&s.x), attn_norm, &weights.to_q, &s.q, &Epilogue::default())?;
    let keys = memory.tokens;
    attention_split(plan, &label("attn"), &s.q, memory.kv, &s.partial, &s.attended, &s.step, memory.shape(), keys)?;
    let to_out = gated(&weights.attn_gate);
    matvec(plan, &label("attn.to_out"), row(&s.attended), InputNorm::None, &weights.to_out, &s.x, &to_out)?;
    matvec(plan, &label("ff.1"), row(&s.x), ff_norm, &weights.ff_1, &s.inner, &gelu)?;
    let ff_3 = gated(&weights.ff_gate);
    matvec(plan, &label("ff.3"), row(&s.inner), InputNorm::None, &weights.ff_3, &s.x, &ff_3)
}
