//! Decoding steps on plain numbers: the decoder's pass for a few tokens, without a tensor for every small operation.
//!
//! A step of one token multiplies every matrix once and does little else. With a tensor for each norm, rotation and gate it takes 1.3 times as
//! long (`shaders/SPEED.md`), so the CPU engine computes steps here, and longer prompts in [`crate::decoder`], which is also the oracle of
//! the tests.
//!
//! # Shapes
//! The residual stream is [rows, H], a row per token; rows of several sequences stand below each other.

mod activations;
mod attention;
mod cross;
mod layer;
mod norms;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::audio_kv::AudioKv;
use crate::kv_cache::KvCache;
use crate::packed::{PackedMatrix, inside, multiply};

pub(crate) use activations::{Gelu, exp};
pub(crate) use cross::CrossAttention;
pub(crate) use layer::Layer;
pub(crate) use norms::{LayerNorm, RmsNorm};

pub(crate) use crate::packed::FEW as MOST_ROWS;

/// The decoder as steps read it; the matrices are those of [`crate::decoder`].
pub(crate) struct Steps {
    pub embed_tokens: Arc<PackedMatrix>,
    pub layers: Vec<(Option<CrossAttention>, Layer)>,
    pub norm: RmsNorm,
    pub lm_head: Arc<PackedMatrix>,
    /// Rotary frequencies θ, [d/2].
    pub frequencies: Vec<f32>,
}

/// y = x Wᵀ + b.
pub(crate) struct Linear {
    pub weight: Arc<PackedMatrix>,
    pub bias: Option<Vec<f32>>,
}

/// A sequence that a step continues.
pub(crate) struct Sequence<'a> {
    /// Tokens that follow those of the cache.
    pub tokens: &'a [u32],
    pub audio_kv: &'a [Option<AudioKv>],
    pub cache: &'a mut KvCache,
}

/// Cosine and sine of every frequency at a position.
type Turns = Vec<(f32, f32)>;

impl Steps {
    /// Logits, [last · sequences, V], of the last tokens of every sequence, whose tokens are at most [`MOST_ROWS`] together.
    pub fn logits(&self, sequences: &mut [Sequence<'_>], last: usize) -> Vec<f32> {
        // From a thread of the pool handing work to others costs least.
        inside(|| {
            let x = self.residual(sequences);
            let width = self.embed_tokens.cols();
            let mut end = 0;
            let rows = sequences.iter().flat_map(|sequence| {
                end += sequence.tokens.len();
                x[(end - last) * width..end * width].to_vec()
            });
            let rows: Vec<f32> = rows.collect();
            let [logits] = multiply([&self.lm_head], &self.norm.forward(&rows), last * sequences.len());
            logits
        })
    }

    fn residual(&self, sequences: &mut [Sequence<'_>]) -> Vec<f32> {
        let tokens: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.tokens).copied().collect();
        let turns: Vec<Turns> = sequences.iter().flat_map(|sequence| self.turns(sequence)).collect();
        let mut x = self.embed_tokens.select(&tokens);
        for (index, (cross, layer)) in self.layers.iter().enumerate() {
            if let Some(cross) = cross {
                cross.forward(&mut x, sequences, index);
            }
            layer.forward(&mut x, sequences, index, &turns);
        }
        for sequence in sequences {
            sequence.cache.length += sequence.tokens.len();
        }
        x
    }

    /// The rotations of a sequence's tokens. An angle is the float32 position times the float32 frequency, as in [`crate::rotary`].
    fn turns(&self, sequence: &Sequence<'_>) -> Vec<Turns> {
        let first = sequence.cache.length;
        let turn = |position: usize| {
            let angles = self.frequencies.iter().map(|frequency| f64::from(position as f32 * frequency));
            angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).collect()
        };
        (first..first + sequence.tokens.len()).map(turn).collect()
    }
}

/// Products of the same x with several matrices, biases added.
fn linear<const M: usize>(layers: [&Linear; M], x: &[f32], count: usize) -> [Vec<f32>; M] {
    let mut results = multiply(layers.map(|layer| &*layer.weight), x, count);
    for (y, layer) in results.iter_mut().zip(layers) {
        if let Some(bias) = &layer.bias {
            y.chunks_exact_mut(bias.len()).for_each(|y| add(y, bias));
        }
    }
    results
}

/// x + y.
fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
