//! Swin stages on plain numbers, where matrices are multiplied in integers: the same network as [`crate::swin`], which serves other backends
//! and schemes and is the oracle of the tests.
//!
//! Norms, rounding, the order of the attention windows, biases, GELU and residual sums are done where rows are read for a matrix or written
//! by it, so that no tensor is rolled, cut in windows or added.
//!
//! # Shapes
//! The grid of n images is [n · side · side, C], a row per token.

mod attention;
mod order;
#[cfg(test)]
mod tests;

use crate::packed::{Epilogue, Instructions, for_each_chunk};
use crate::steps::{Gelu, LayerNorm, Linear};

use attention::{AREA, Windows};
use order::{corners, window_order};

/// Tokens that pass a block at a time: what lies between two matrices stays small, and every core has some of it.
const TOGETHER: usize = 16 * AREA;

/// Blocks at one resolution, and the merging that follows all but the last.
pub(crate) struct Stage {
    pub blocks: Vec<Block>,
    pub downsample: Option<Merging>,
}

impl Stage {
    /// [n · side · side, C] to [n · side/2 · side/2, 2C], or to the same shape in the last stage.
    pub fn forward(&self, mut x: Vec<f32>, side: usize) -> Vec<f32> {
        for block in &self.blocks {
            block.forward(&mut x);
        }
        match &self.downsample {
            Some(downsample) => downsample.forward(&x, side),
            None => x,
        }
    }
}

/// A block of a stage.
pub(crate) struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    /// Relative position bias, [heads, 64, 64].
    table: Vec<f32>,
    /// Mask of the shift, [windows, 64, 64], if there is one.
    mask: Option<Vec<f32>>,
    proj: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    /// The place in the grid of every token in the order of windows, [side · side].
    order: Vec<usize>,
}

/// What a block is made of.
pub(crate) struct Parts {
    pub norms: [LayerNorm; 2],
    /// `qkv`, `proj`, `fc1` and `fc2`.
    pub linears: [Option<Linear>; 4],
    pub table: Vec<f32>,
    pub mask: Option<Vec<f32>>,
    pub heads: usize,
    pub side: usize,
    pub shift: usize,
}

impl Block {
    /// None if a matrix is multiplied otherwise, or heads do not fill vectors.
    pub fn new(parts: Parts) -> Option<Self> {
        let Parts { norms: [norm1, norm2], linears: [qkv, proj, fc1, fc2], table, mask, heads, side, shift } = parts;
        let [qkv, proj, fc1, fc2] = [tiled(qkv)?, tiled(proj)?, tiled(fc1)?, tiled(fc2)?];
        let fits = (proj.weight.cols() / heads).is_multiple_of(8);
        let order = window_order(side, shift);
        fits.then_some(Self { norm1, qkv, table, mask, proj, norm2, fc1, fc2, heads, order })
    }

    /// The grid after the block. Windows do not know of each other, so some pass it after others.
    fn forward(&self, x: &mut [f32]) {
        let tokens = x.len() / self.proj.weight.cols();
        for first in (0..tokens).step_by(TOGETHER) {
            let places: Vec<usize> = (first..tokens.min(first + TOGETHER)).map(|token| self.place(token)).collect();
            self.attend(x, &places, first / AREA);
            self.feed(x, &places);
        }
    }

    /// The row in the grid of a token in the order of windows.
    fn place(&self, token: usize) -> usize {
        let image = token / self.order.len();
        image * self.order.len() + self.order[token % self.order.len()]
    }

    /// x + proj(attention(qkv(norm1(x)))) of whole windows, the first of which has this number.
    fn attend(&self, x: &mut [f32], places: &[usize], first: usize) {
        let width = self.proj.weight.cols();
        let normed = self.qkv.weight.rows(places.len(), |token, row| {
            row.copy_from_slice(&x[places[token] * width..][..width]);
            self.norm1.norm(row);
        });
        let mut qkv = vec![0.0; places.len() * 3 * width];
        self.qkv.weight.multiply_rows(&normed, qkv.chunks_exact_mut(3 * width), biased(&self.qkv));
        let mut attended = vec![0.0; places.len() * width];
        for_each_chunk(&mut attended, AREA * width, |window, out| {
            let per_image = self.order.len() / AREA;
            let mask =
                self.mask.as_ref().map(|mask| &mask[(first + window) % per_image * AREA * AREA..][..AREA * AREA]);
            let qkv = &qkv[window * AREA * 3 * width..][..AREA * 3 * width];
            Instructions::found().run(Windows { qkv, table: &self.table, mask, heads: self.heads, out });
        });
        self.add(x, places, &self.proj, &attended);
    }

    /// x + fc2(GELU(fc1(norm2(x)))).
    fn feed(&self, x: &mut [f32], places: &[usize]) {
        let (width, wide) = (self.fc1.weight.cols(), self.fc2.weight.cols());
        let normed = self.fc1.weight.rows(places.len(), |token, row| {
            row.copy_from_slice(&x[places[token] * width..][..width]);
            self.norm2.norm(row);
        });
        let mut hidden = vec![0.0; places.len() * wide];
        let gelu: fn(&mut [f32]) = |hidden| Instructions::found().run(Gelu(hidden));
        let epilogue = Epilogue { map: Some(gelu), ..biased(&self.fc1) };
        self.fc1.weight.multiply_rows(&normed, hidden.chunks_exact_mut(wide), epilogue);
        self.add(x, places, &self.fc2, &hidden);
    }

    /// Adds a layer's result to the rows at these places.
    fn add(&self, x: &mut [f32], places: &[usize], linear: &Linear, from: &[f32]) {
        let (width, cols) = (self.proj.weight.cols(), linear.weight.cols());
        let rows = linear.weight.rows(places.len(), |token, row| row.copy_from_slice(&from[token * cols..][..cols]));
        let mut grid: Vec<_> = x.chunks_exact_mut(width).map(Some).collect();
        let to = places.iter().filter_map(|place| grid[*place].take());
        linear.weight.multiply_rows(&rows, to, Epilogue { add: true, ..biased(linear) });
    }
}

/// Four neighbouring tokens become one of twice the width.
pub(crate) struct Merging {
    norm: LayerNorm,
    reduction: Linear,
}

impl Merging {
    /// None if the matrix is multiplied otherwise.
    pub fn new(norm: LayerNorm, reduction: Option<Linear>) -> Option<Self> {
        Some(Self { norm, reduction: tiled(reduction)? })
    }

    fn forward(&self, x: &[f32], side: usize) -> Vec<f32> {
        let matrix = &self.reduction.weight;
        let width = matrix.cols() / 4;
        let tokens = x.len() / (4 * width);
        let normed = matrix.rows(tokens, |token, row| {
            for (place, row) in corners(side, token).into_iter().zip(row.chunks_exact_mut(width)) {
                row.copy_from_slice(&x[place * width..][..width]);
            }
            self.norm.norm(row);
        });
        let mut y = vec![0.0; tokens * 2 * width];
        matrix.multiply_rows(&normed, y.chunks_exact_mut(2 * width), biased(&self.reduction));
        y
    }
}

fn tiled(linear: Option<Linear>) -> Option<Linear> {
    linear.filter(|linear| linear.weight.tiles())
}

fn biased(linear: &Linear) -> Epilogue<'_> {
    Epilogue { bias: linear.bias.as_deref(), ..Epilogue::default() }
}
