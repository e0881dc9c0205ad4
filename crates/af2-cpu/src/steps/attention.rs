//! Attention of a few queries: softmax(q·kᵀ/√d)·v, head by head, from keys and values as they are cached.

use crate::packed::{Instructions, Lanes, Work, dot, for_each_chunk, least_per_task};

/// Keys and values of tokens, a row each: those of head h begin at number h·d.
#[derive(Clone, Copy)]
pub(super) struct KeyValues<'a> {
    pub k: &'a [f32],
    pub v: &'a [f32],
    /// Numbers from one token's row to the next.
    pub stride: usize,
    /// Tokens that are attended to.
    pub tokens: usize,
}

/// Heads of queries, of keys and values, and their width d.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub queries: usize,
    pub kv: usize,
    pub width: usize,
}

/// What every query attends to, [rows, heads · d], of `q`, [rows, heads · d], and the keys and values of each row. Query head j reads
/// key/value head j / (query heads / kv heads).
pub(super) fn attend(q: &[f32], rows: &[KeyValues<'_>], heads: Heads) -> Vec<f32> {
    let Heads { queries, kv, width } = heads;
    let mut attended = vec![0.0; q.len()];
    let tokens = rows.iter().map(|row| row.tokens).max().unwrap_or(0);
    let together = least_per_task(tokens * width).min(queries); // heads of a task
    for_each_chunk(&mut attended, together * width, |index, chunk| {
        for (place, out) in chunk.chunks_exact_mut(width).enumerate() {
            let (row, head) = ((index * together + place) / queries, (index * together + place) % queries);
            let KeyValues { k, v, stride, tokens } = rows[row];
            let first = head / (queries / kv) * width;
            let q = &q[(row * queries + head) * width..][..width];
            let (k, v) = (k.get(first..).unwrap_or_default(), v.get(first..).unwrap_or_default());
            Instructions::found().run(Head { q, k, v, stride, tokens, out });
        }
    });
    attended
}

struct Head<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    stride: usize,
    tokens: usize,
    out: &'a mut [f32],
}

impl Work for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        let width = self.q.len();
        let scale = (width as f32).powf(-0.5);
        let mut weights: Vec<f32> = Vec::with_capacity(self.tokens);
        for k in self.k.chunks(self.stride).take(self.tokens) {
            weights.push(dot(self.q, &k[..width]) * scale);
        }
        let most = weights.iter().fold(f32::NEG_INFINITY, |most, weight| most.max(*weight));
        weights.iter_mut().for_each(|weight| *weight = super::activations::exp(*weight - most));
        let total: f32 = weights.iter().sum();
        for (weight, v) in weights.iter().zip(self.v.chunks(self.stride)) {
            let share = weight / total;
            self.out.iter_mut().zip(v).for_each(|(out, v)| *out += share * v);
        }
    }
}
