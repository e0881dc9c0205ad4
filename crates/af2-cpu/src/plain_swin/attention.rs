//! Attention inside a window: softmax(q·kᵀ/√d + bias)·v of 64 tokens, head by head.

use af2_core::engine::WINDOW;

use crate::packed::{Lanes, Work};
use crate::steps::exp;

/// Tokens of a window.
pub(super) const AREA: usize = WINDOW * WINDOW;

/// A number for each token of a window, as vectors.
type Tokens = [[f32; 8]; AREA / 8];

/// One window of all heads.
pub(super) struct Windows<'a> {
    /// Queries, keys and values of all heads, [64, 3 · C].
    pub qkv: &'a [f32],
    /// Relative position bias, [heads, 64, 64].
    pub table: &'a [f32],
    /// Added to the logits of all heads, [64, 64].
    pub mask: Option<&'a [f32]>,
    pub heads: usize,
    /// What is attended to, [64, C].
    pub out: &'a mut [f32],
}

impl Work for Windows<'_> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) {
        let channels = self.out.len() / AREA;
        let width = channels / self.heads;
        let scale = (width as f32).powf(-0.5);
        let mut keys: Vec<Tokens> = vec![Tokens::default(); width];
        for head in 0..self.heads {
            let part = |which: usize| &self.qkv[which * channels + head * width..];
            for (token, row) in part(1).chunks(3 * channels).enumerate() {
                for (keys, key) in keys.iter_mut().zip(row) {
                    keys.as_flattened_mut()[token] = key * scale;
                }
            }
            let queries = part(0).chunks(3 * channels).zip(self.out.chunks_exact_mut(channels));
            for (token, (query, out)) in queries.enumerate() {
                let mut weights = logits(lanes, &query[..width], &keys);
                add(&mut weights, &self.table[(head * AREA + token) * AREA..]);
                if let Some(mask) = self.mask {
                    add(&mut weights, &mask[token * AREA..]);
                }
                softmax(&mut weights);
                let out = &mut out[head * width..][..width];
                match width % 64 {
                    0 => mix::<L, 8>(lanes, &weights, part(2), 3 * channels, out),
                    _ => mix::<L, 1>(lanes, &weights, part(2), 3 * channels, out),
                }
            }
        }
    }
}

/// q·k for every key.
#[inline(always)]
fn logits<L: Lanes>(lanes: L, query: &[f32], keys: &[Tokens]) -> Tokens {
    let mut sums = [lanes.zero(); AREA / 8];
    for (query, keys) in query.iter().zip(keys) {
        let query = lanes.splat(*query);
        for (sum, keys) in sums.iter_mut().zip(keys) {
            *sum = lanes.plus_product(*sum, lanes.read(keys), query);
        }
    }
    let mut logits = Tokens::default();
    for (logits, sum) in logits.iter_mut().zip(sums) {
        *logits = lanes.write(sum);
    }
    logits
}

#[inline(always)]
fn add(weights: &mut Tokens, bias: &[f32]) {
    for (weight, bias) in weights.as_flattened_mut().iter_mut().zip(bias) {
        *weight += bias;
    }
}

/// Shares of 1; NaN if a logit is.
#[inline(always)]
fn softmax(weights: &mut Tokens) {
    let mut most = [f32::NEG_INFINITY; 8];
    for weights in &*weights {
        for lane in 0..8 {
            most[lane] = most[lane].max(weights[lane]);
        }
    }
    let most = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; 8];
    for weights in &mut *weights {
        for lane in 0..8 {
            weights[lane] = exp(weights[lane] - most);
            sums[lane] += weights[lane];
        }
    }
    let share = 1.0 / sums.iter().sum::<f32>();
    weights.as_flattened_mut().iter_mut().for_each(|weight| *weight *= share);
}

/// The values that have these weights, 8 · N numbers of a head at a time.
#[inline(always)]
fn mix<L: Lanes, const N: usize>(lanes: L, weights: &Tokens, values: &[f32], stride: usize, out: &mut [f32]) {
    for (index, out) in out.chunks_exact_mut(8 * N).enumerate() {
        let mut sums = [lanes.zero(); N];
        for (weight, row) in weights.as_flattened().iter().zip(values.chunks(stride)) {
            let weight = lanes.splat(*weight);
            let values = row[8 * N * index..][..8 * N].as_chunks::<8>().0;
            for (sum, values) in sums.iter_mut().zip(values) {
                *sum = lanes.plus_product(*sum, lanes.read(values), weight);
            }
        }
        for (out, sum) in out.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
            *out = lanes.write(sum);
        }
    }
}
