//! The gated cross-attention block that stands before a decoder layer (Flamingo, Alayrac et al. 2022).
//!
//! ```text
//! x ── norm ── to_q ── attention over the audio ── to_out ── ·tanh(attn_gate) ──(+)──
//!   ── norm ── ff.1 ── GELU ── ff.3 ── ·tanh(ff_gate) ──(+)── x
//! ```
//!
//! In the 3B model all 36 layers have one: to_q(2048→512), to_kv(2048→1024), 8 heads of 64, to_out(512→2048), ff.1(2048→8192),
//! ff.3(8192→2048). Both gates are single numbers.
//!
//! # Shapes
//! x is [L, H] for L text tokens, the audio [T, D] for T = 64 tokens per window.

use burn_tensor::Tensor;
use burn_tensor::activation::{gelu, softmax};

use crate::CpuError;
use crate::attention::{attention, merge_heads, split_heads};
use crate::audio_kv::AudioKv;
use crate::layers::{LayerNorm, Linear, zero_or_nan};
use crate::steps::CrossAttention;
use crate::taps::Taps;
use crate::weights::Scope;

const EPS: f64 = 1e-5;

pub(crate) struct GatedCrossAttention {
    attn_gate: Tensor<1>,
    ff_gate: Tensor<1>,
    attn_norm: LayerNorm,
    to_q: Linear,
    to_kv: Linear,
    to_out: Linear,
    ff_norm: LayerNorm,
    ff_1: Linear,
    ff_3: Linear,
    heads: usize,
}

impl GatedCrossAttention {
    pub fn load(scope: &Scope<'_>, heads: usize) -> Result<Self, CpuError> {
        Ok(Self {
            attn_gate: scope.tensor("attn_gate")?,
            ff_gate: scope.tensor("ff_gate")?,
            attn_norm: LayerNorm::load(scope, "attn.norm", EPS)?,
            to_q: Linear::load_without_bias(scope, "attn.to_q")?,
            to_kv: Linear::load_without_bias(scope, "attn.to_kv")?,
            to_out: Linear::load_without_bias(scope, "attn.to_out")?,
            ff_norm: LayerNorm::load(scope, "ff.0", EPS)?,
            ff_1: Linear::load_without_bias(scope, "ff.1")?,
            ff_3: Linear::load_without_bias(scope, "ff.3")?,
            heads,
        })
    }

    /// The block as decoding steps read it, if its matrices are packed.
    pub fn plain(&self) -> Option<CrossAttention> {
        let gate = |gate: &Tensor<1>| checked_tanh(gate).into_data().iter::<f32>().next();
        Some(CrossAttention {
            attn_gate: gate(&self.attn_gate)?,
            ff_gate: gate(&self.ff_gate)?,
            attn_norm: self.attn_norm.plain(),
            to_q: self.to_q.plain()?,
            to_out: self.to_out.plain()?,
            ff_norm: self.ff_norm.plain(),
            ff_1: self.ff_1.plain()?,
            ff_3: self.ff_3.plain()?,
            heads: self.heads,
        })
    }

    /// Keys and values of the audio transformer's output, [T, D]; the first half of `to_kv`'s outputs is k.
    pub fn audio_kv(&self, audio: Tensor<2>, layer: usize, taps: &mut Taps) -> AudioKv {
        let kv = taps.tap_tokens(format!("xattn{layer}_kv"), self.to_kv.forward(audio));
        AudioKv::new(kv, self.to_kv.is_packed())
    }

    /// The residual stream, [L, H], after the block. There is no mask: every token attends to all T audio tokens, of which there may be
    /// none; then the attention adds nothing.
    pub fn forward(&self, x: Tensor<2>, audio: &AudioKv, layer: usize, taps: &mut Taps) -> Tensor<2> {
        let x = if audio.tokens() == 0 { x } else { self.attend(x, audio, layer, taps) };
        let fed = self.ff_3.forward(gelu(self.ff_1.forward(self.ff_norm.forward(x.clone()))));
        taps.tap_tokens(format!("xattn{layer}_out"), x + fed * checked_tanh(&self.ff_gate))
    }

    fn attend(&self, x: Tensor<2>, audio: &AudioKv, layer: usize, taps: &mut Taps) -> Tensor<2> {
        let q = split_heads(self.to_q.forward(self.attn_norm.forward(x.clone())), self.heads);
        let [k, v] = audio.tensors(self.heads, &x.device());
        taps.add_relevance(|| self.relevance(q.clone(), k.clone(), v.clone()));
        let attended = self.to_out.forward(merge_heads(attention(q, k, v, None)));
        let attended = taps.tap_tokens(format!("xattn{layer}_attn_raw"), attended);
        x + attended * checked_tanh(&self.attn_gate)
    }

    /// What each audio token adds to the text, [T]: over heads and queries, the sum of attention weight · ‖value‖ · |tanh(gate)|.
    fn relevance(&self, q: Tensor<3>, k: Tensor<3>, v: Tensor<3>) -> Tensor<1> {
        let width = q.dims()[2] as f64;
        let weights = softmax((q * width.powf(-0.5)).matmul(k.transpose()), 2); // [heads, L, T]
        let norms = v.square().sum_dim(2).sqrt().swap_dims(1, 2); // [heads, 1, T]
        let gate: Tensor<3> = checked_tanh(&self.attn_gate).abs().unsqueeze();
        (weights * norms * gate).sum_dim(0).sum_dim(1).flatten(0, 2)
    }
}

/// tanh(gate), [1, 1]; NaN for an infinite gate.
fn checked_tanh(gate: &Tensor<1>) -> Tensor<2> {
    (gate.clone().tanh() + zero_or_nan(gate.clone())).unsqueeze()
}
