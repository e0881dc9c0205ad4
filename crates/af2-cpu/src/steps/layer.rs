//! A Qwen2 layer, as [`crate::decoder`] draws it.

use super::activations::SiluTimes;
use super::attention::{Heads, KeyValues, attend};
use super::norms::RmsNorm;
use super::{Linear, Sequence, Turns, add, linear};
use crate::packed::Instructions;

pub(crate) struct Layer {
    pub input_layernorm: RmsNorm,
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub o_proj: Linear,
    pub post_attention_layernorm: RmsNorm,
    pub gate_proj: Linear,
    pub up_proj: Linear,
    pub down_proj: Linear,
    pub heads: usize,
    pub kv_heads: usize,
}

impl Layer {
    /// The residual stream, [rows, H], after the layer with this index.
    pub fn forward(&self, x: &mut [f32], sequences: &mut [Sequence<'_>], index: usize, turns: &[Turns]) {
        let rows = turns.len();
        let normed = self.input_layernorm.forward(x);
        let [mut q, mut k, v] = linear([&self.q_proj, &self.k_proj, &self.v_proj], &normed, rows);
        let heads = Heads { queries: self.heads, kv: self.kv_heads, width: q.len() / (rows * self.heads) };
        rotate(&mut q, heads.width, turns);
        rotate(&mut k, heads.width, turns);
        let attended = self.self_attention(&q, (&k, &v), heads, sequences, index);
        let [added] = linear([&self.o_proj], &attended, rows);
        add(x, &added);

        let normed = self.post_attention_layernorm.forward(x);
        let [mut gate, up] = linear([&self.gate_proj, &self.up_proj], &normed, rows);
        Instructions::found().run(SiluTimes { gate: &mut gate, up: &up });
        let [added] = linear([&self.down_proj], &gate, rows);
        add(x, &added);
    }

    /// Appends keys and values, [rows, kv heads · d], to the caches, and attends: a token to those before it and to itself.
    fn self_attention(
        &self,
        q: &[f32],
        (k, v): (&[f32], &[f32]),
        heads: Heads,
        sequences: &mut [Sequence<'_>],
        index: usize,
    ) -> Vec<f32> {
        let stride = heads.kv * heads.width;
        let mut first = 0;
        for sequence in &mut *sequences {
            let place = first * stride..(first + sequence.tokens.len()) * stride;
            sequence.cache.append_rows(index, &k[place.clone()], &v[place]);
            first += sequence.tokens.len();
        }
        let rows: Vec<KeyValues<'_>> = sequences
            .iter()
            .flat_map(|sequence| {
                let [k, v] = sequence.cache.rows(index);
                let before = sequence.cache.length;
                (1..=sequence.tokens.len()).map(move |own| KeyValues { k, v, stride, tokens: before + own })
            })
            .collect();
        attend(q, &rows, heads)
    }
}

/// Rotates all heads of every row, [rows, heads · d]: dimension i is paired with i + d/2.
fn rotate(x: &mut [f32], width: usize, turns: &[Turns]) {
    let row = x.len() / turns.len().max(1);
    for (row, turns) in x.chunks_exact_mut(row).zip(turns) {
        for head in row.chunks_exact_mut(width) {
            let (a, b) = head.split_at_mut(width / 2);
            for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(turns) {
                (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
            }
        }
    }
}
