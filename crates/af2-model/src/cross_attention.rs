//! The gated cross-attention block before each of the 36 decoder layers (Flamingo, Alayrac et al. 2022): 8 heads of 64, 38 M parameters.
//!
//! ```text
//! x [rows, 2048] ── norm ── to_q(2048→512) ── attention over T audio tokens ── to_out(512→2048) ── ·tanh(attn_gate) ──(+)──
//!                ── norm ── ff.1(2048→8192) ── GELU ── ff.3(8192→2048) ── ·tanh(ff_gate) ──(+)── x
//! audio [T, 2048] ── to_kv(2048→1024) ── k, v        once per clip; T = 64 · windows
//! ```

use af2_core::config::ModelConfig;
use af2_core::engine::TOKENS_PER_WINDOW;
use af2_core::weights::Scheme;
use af2_core::weights::stored::StoredTensor;
use af2_core::weights::tensor_table::{Part, TensorUse};
use af2_gpu::ops::attention::{AttentionBuffers, AttentionShape, attention};
use af2_gpu::ops::attention_rows::{RowBuffers, attention_rows};
use af2_gpu::ops::attention_split::attention_split;
use af2_gpu::ops::layer_norm::{NormBuffers, layer_norm};
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::matvec::{InputNorm, Matvec, Row, matvec};
use af2_gpu::ops::relevance::{RelevanceBuffers, relevance};
use af2_gpu::ops::{Activation, Epilogue, Store};
use af2_gpu::{Buffer, GpuError, PlanBuilder};

use crate::scratch::Scratch;
use crate::sequences::{BatchAttention, Sequences};
use crate::weights::CrossAttention;

const EPS: f32 = 1e-5;

/// The scheme of the audio's keys and values, given that of `to_kv`: float32 if `to_kv` is exact, else float16. Rounding to float16 errs by
/// 0.03 %, a rounded `to_kv` by as much or more, and every token reads all keys and values: in float32, those of five minutes would be
/// half as many bytes as the weights that the 0.5B release reads per token.
pub(crate) fn stored_as(to_kv: Scheme, head_dim: usize) -> Scheme {
    if to_kv == Scheme::F32 || !head_dim.is_multiple_of(4) { Scheme::F32 } else { Scheme::F16 }
}

/// Bytes of a window's keys and values in one block, whose `to_kv` has `rows` rows.
pub(crate) fn audio_bytes(to_kv: Scheme, head_dim: usize, rows: usize) -> u64 {
    stored_as(to_kv, head_dim).data_bytes(TOKENS_PER_WINDOW, rows)
}

/// Bytes of the audio's keys and values per window in all blocks. Every decoded token reads them.
pub fn audio_bytes_per_window(config: &ModelConfig, tensors: &[(TensorUse, StoredTensor)]) -> u64 {
    let head_dim = config.cross_attention.head_dim;
    let made = tensors.iter().filter(|(tensor, _)| tensor.part == Part::CrossAttention && !tensor.per_token);
    made.map(|(_, to_kv)| audio_bytes(to_kv.scheme, head_dim, to_kv.rows)).sum()
}

/// The audio's keys and values of one block, and their size.
#[derive(Clone, Copy)]
pub(crate) struct AudioKv<'a> {
    /// k, then v, [T, 2 · heads · head_dim] in `scheme`.
    pub kv: &'a Buffer,
    /// T.
    pub tokens: usize,
    pub heads: usize,
    pub head_dim: usize,
    pub scheme: Scheme,
}

impl AudioKv<'_> {
    fn shape(&self) -> AttentionShape {
        let half = self.scheme == Scheme::F16;
        AttentionShape { half, ..AttentionShape::separate(self.heads, self.heads, self.head_dim, self.tokens) }
    }
}

/// The block for `rows` tokens of `sequences` in `s.x`.
pub(crate) fn rows_block(
    plan: &mut PlanBuilder,
    layer: usize,
    weights: &CrossAttention,
    audio: AudioKv<'_>,
    s: &Scratch,
    rows: usize,
    sequences: Sequences<'_>,
) -> Result<(), GpuError> {
    let hidden = weights.to_q.cols;
    let label = |part: &str| format!("{layer}.cross.{part}");
    let gated = |gate| Epilogue { store: Store::AddGated(gate), ..Epilogue::default() };
    let gelu = Epilogue { activation: Activation::Gelu, ..Epilogue::default() };
    let norm = |norm| NormBuffers { x: &s.x, norm, out: &s.normed };

    layer_norm(plan, &label("attn.norm"), norm(&weights.attn_norm), [rows, hidden], EPS, 1.0)?;
    let to_q = Matmul { x: &s.normed, w: &weights.to_q, out: &s.q, rows };
    matmul(plan, &label("attn.to_q"), to_q, &Epilogue::default())?;
    let (q, kv, out) = (&s.q, audio.kv, &s.attended);
    match sequences {
        Sequences::One => {
            attention(plan, &label("attn"), AttentionBuffers { q, kv, out, step: &s.step }, rows, audio.shape())?;
        }
        Sequences::Batch(BatchAttention { rows: places, relevance: collected, .. }) => {
            if let Some(collected) = collected {
                let gate = &weights.attn_gate;
                let buffers = RelevanceBuffers { q, kv, gate, rows: places, relevance: collected };
                relevance(plan, &label("relevance"), buffers, rows, audio.shape())?;
            }
            attention_rows(plan, &label("attn"), RowBuffers { q, kv, out, rows: places }, rows, audio.shape())?;
        }
    }
    let to_out = Matmul { x: &s.attended, w: &weights.to_out, out: &s.x, rows };
    if plan.taps_wanted() {
        matmul(plan, &label("attn.to_out raw"), Matmul { out: &s.normed, ..to_out }, &Epilogue::default())?;
        plan.tap(&format!("xattn{layer}_attn_raw"), &s.normed, &[1, rows, hidden])?;
    }
    matmul(plan, &label("attn.to_out"), to_out, &gated(&weights.attn_gate))?;
    layer_norm(plan, &label("ff.norm"), norm(&weights.ff_norm), [rows, hidden], EPS, 1.0)?;
    matmul(plan, &label("ff.1"), Matmul { x: &s.normed, w: &weights.ff_1, out: &s.inner, rows }, &gelu)?;
    let ff_3 = Matmul { x: &s.inner, w: &weights.ff_3, out: &s.x, rows };
    matmul(plan, &label("ff.3"), ff_3, &gated(&weights.ff_gate))?;
    plan.tap(&format!("xattn{layer}_out"), &s.x, &[1, rows, hidden])
}

/// The block for the one token in row 0 of `s.x`: five dispatches, or six if the clip has more than one window.
pub(crate) fn token_block(
    plan: &mut PlanBuilder,
    layer: usize,
    weights: &CrossAttention,
    audio: AudioKv<'_>,
    s: &Scratch,
) -> Result<(), GpuError> {
    let label = |part: &str| format!("{layer}.cross.{part}");
    let row = |buffer| Row { buffer, row: 0 };
    let norm = InputNorm::None;
    let gated = |gate| Epilogue { store: Store::AddGated(gate), ..Epilogue::default() };
    let gelu = Epilogue { activation: Activation::Gelu, ..Epilogue::default() };
    let (attn_norm, ff_norm) = (InputNorm::Layer(&weights.attn_norm, EPS), InputNorm::Layer(&weights.ff_norm, EPS));

    let to_q = Matvec { x: row(&s.x), norm: attn_norm, w: &weights.to_q, out: &s.q };
    matvec(plan, &label("attn.to_q"), to_q, &Epilogue::default())?;
    let buffers = AttentionBuffers { q: &s.q, kv: audio.kv, out: &s.attended, step: &s.step };
    attention_split(plan, &label("attn"), buffers, &s.partial, audio.shape(), audio.tokens)?;
    let to_out = Matvec { x: row(&s.attended), norm, w: &weights.to_out, out: &s.x };
    matvec(plan, &label("attn.to_out"), to_out, &gated(&weights.attn_gate))?;
    let ff_1 = Matvec { x: row(&s.x), norm: ff_norm, w: &weights.ff_1, out: &s.inner };
    matvec(plan, &label("ff.1"), ff_1, &gelu)?;
    let ff_3 = Matvec { x: row(&s.inner), norm, w: &weights.ff_3, out: &s.x };
    matvec(plan, &label("ff.3"), ff_3, &gated(&weights.ff_gate))
}
