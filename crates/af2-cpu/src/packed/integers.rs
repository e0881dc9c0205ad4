//! Rows of matrices that are stored as integers and scales: their dot products with activations, and their values.
//!
//! ```text
//! y = row factor · Σ_blocks block scale · x scale · Σ_32 weight · x code
//! ```
//!
//! The inner sum is exact, in integers; the outer one is float32 in 8 lanes.

use super::activations::{Activations, BLOCK, Codes, Order};
use super::instructions::Work;
use super::lanes::Lanes;

/// A scheme of integers in blocks of 32 columns.
pub(super) trait Integers: Copy + Send + Sync {
    /// The order of a block's columns in [`Integers::weights`].
    const ORDER: Order;
    /// Stored codes of a block.
    type Block;
    /// What scales a block.
    type Scale;

    /// Blocks and scales of a row, and the factor of all.
    fn row(&self, row: usize) -> (&[Self::Block], &[Self::Scale], f32);

    /// The integers of a block and their scale.
    fn weights<L: Lanes>(lanes: L, block: &Self::Block, scale: &Self::Scale) -> ([L::I16; 2], f32);
}

/// Rounds rows of activations, \[rows, cols\].
pub(super) struct Round<'a> {
    pub x: &'a [f32],
    pub cols: usize,
    pub order: Order,
}

impl Work for Round<'_> {
    type Output = Vec<Activations>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Vec<Activations> {
        let mut rows = Vec::with_capacity(self.x.len() / self.cols);
        for row in self.x.chunks_exact(self.cols) {
            rows.push(Activations::of(lanes, row, self.order));
        }
        rows
    }
}

/// Dot products of the matrix's rows from `first` on with every row of activations: `y` is \[matrix rows, activation rows\].
pub(super) struct Dots<'a, I> {
    pub matrix: I,
    pub first: usize,
    pub x: &'a [Activations],
    pub y: &'a mut [f32],
}

impl<I: Integers> Work for Dots<'_, I> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) {
        let blocks = self.x.first().map_or(0, |x| x.codes.len());
        let (mut integers, mut block_scales) = (vec![Codes::default(); blocks], vec![0.0; blocks]);
        for (row, y) in self.y.chunks_exact_mut(self.x.len()).enumerate() {
            let (blocks, scales, factor) = self.matrix.row(self.first + row);
            if let ([x], [y]) = (self.x, &mut *y) {
                *y = factor * dot::<I, L>(lanes, blocks, scales, x);
                continue;
            }
            // Unpacked once for all activations.
            for ((block, scale), to) in blocks.iter().zip(scales).zip(integers.iter_mut().zip(&mut block_scales)) {
                let ([a, b], scale) = I::weights(lanes, block, scale);
                *to.0 = [lanes.store(a), lanes.store(b)];
                *to.1 = scale;
            }
            for (y, x) in y.iter_mut().zip(self.x) {
                *y = factor * dot_unpacked(lanes, &integers, &block_scales, x);
            }
        }
    }
}

#[inline(always)]
fn dot<I: Integers, L: Lanes>(lanes: L, blocks: &[I::Block], scales: &[I::Scale], x: &Activations) -> f32 {
    let mut sum = lanes.zero();
    for ((block, scale), (x, x_scale)) in blocks.iter().zip(scales).zip(x.codes.iter().zip(&x.scales)) {
        let ([a, b], scale) = I::weights(lanes, block, scale);
        let products = lanes.add(lanes.dot(a, lanes.load(&x[0])), lanes.dot(b, lanes.load(&x[1])));
        sum = lanes.scaled(sum, products, scale * x_scale);
    }
    lanes.sum(sum)
}

#[inline(always)]
fn dot_unpacked<L: Lanes>(lanes: L, integers: &[Codes], scales: &[f32], x: &Activations) -> f32 {
    let mut sum = lanes.zero();
    for (([a, b], scale), (x, x_scale)) in integers.iter().zip(scales).zip(x.codes.iter().zip(&x.scales)) {
        let first = lanes.dot(lanes.load(a), lanes.load(&x[0]));
        let products = lanes.add(first, lanes.dot(lanes.load(b), lanes.load(&x[1])));
        sum = lanes.scaled(sum, products, scale * x_scale);
    }
    lanes.sum(sum)
}

/// The values of the matrix's rows from `first` on, \[rows, cols\].
pub(super) struct Values<'a, I> {
    pub matrix: I,
    pub first: usize,
    pub cols: usize,
    pub values: &'a mut [f32],
}

impl<I: Integers> Work for Values<'_, I> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) {
        for (row, values) in self.values.chunks_exact_mut(self.cols).enumerate() {
            let (blocks, scales, factor) = self.matrix.row(self.first + row);
            for ((block, scale), values) in blocks.iter().zip(scales).zip(values.as_chunks_mut::<BLOCK>().0) {
                let ([a, b], scale) = I::weights(lanes, block, scale);
                let scale = scale * factor;
                let [a, b] = [lanes.floats(a).map(|x| x * scale), lanes.floats(b).map(|x| x * scale)];
                *values = match I::ORDER {
                    Order::Columns => pulp::cast([a, b]),
                    Order::Nibbles => in_columns(pulp::cast(a), pulp::cast(b)),
                };
            }
        }
    }
}

/// Low and high nibbles in turn, four by four.
#[inline(always)]
fn in_columns(low: [[f32; 4]; 4], high: [[f32; 4]; 4]) -> [f32; BLOCK] {
    pulp::cast([[low[0], high[0]], [low[1], high[1]], [low[2], high[2]], [low[3], high[3]]])
}
