//! Gated cross-attention, as [`crate::cross_attention`] draws it.

use super::activations::Gelu;
use super::attention::{Heads, KeyValues, attend};
use super::norms::LayerNorm;
use super::{Linear, Sequence, linear};
use crate::packed::Instructions;

pub(crate) struct CrossAttention {
    /// tanh of the gates; NaN for an infinite gate.
    pub attn_gate: f32,
    pub ff_gate: f32,
    pub attn_norm: LayerNorm,
    pub to_q: Linear,
    pub to_out: Linear,
    pub ff_norm: LayerNorm,
    pub ff_1: Linear,
    pub ff_3: Linear,
    pub heads: usize,
}

impl CrossAttention {
    /// The residual stream, [rows, H], after the block before the layer with this index. Sequences without audio keep theirs.
    pub fn forward(&self, x: &mut [f32], sequences: &[Sequence<'_>], index: usize) {
        let width = self.attn_norm.weight.len();
        let rows = x.len() / width;
        let audio: Vec<KeyValues<'_>> = sequences
            .iter()
            .flat_map(|sequence| {
                let kv = sequence.audio_kv.get(index).and_then(Option::as_ref);
                let (values, stride) = kv.map_or((&[][..], 2), |kv| kv.rows());
                let (k, v) = (values, values.get(stride / 2..).unwrap_or_default());
                sequence.tokens.iter().map(move |_| KeyValues { k, v, stride, tokens: values.len() / stride })
            })
            .collect();
        if audio.iter().any(|audio| audio.tokens > 0) {
            let [q] = linear([&self.to_q], &self.attn_norm.forward(x), rows);
            let heads = Heads { queries: self.heads, kv: self.heads, width: q.len() / (rows * self.heads) };
            let [attended] = linear([&self.to_out], &attend(&q, &audio, heads), rows);
            let both = x.chunks_exact_mut(width).zip(attended.chunks_exact(width));
            for ((x, attended), _) in both.zip(&audio).filter(|(_, audio)| audio.tokens > 0) {
                add_gated(x, attended, self.attn_gate);
            }
        }
        let [mut hidden] = linear([&self.ff_1], &self.ff_norm.forward(x), rows);
        Instructions::found().run(Gelu(&mut hidden));
        let [fed] = linear([&self.ff_3], &hidden, rows);
        add_gated(x, &fed, self.ff_gate);
    }
}

fn add_gated(x: &mut [f32], y: &[f32], gate: f32) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y * gate);
}
