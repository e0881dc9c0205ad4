//! Many rows of activations times a matrix of integers: y = x Wᵀ in tiles of 4 rows of x and 8 or 16 rows of W.
//!
//! A panel of W is unpacked once to 16-bit integers, in eights of rows: a word holds two columns of a row, a vector the words of eight rows.
//! One instruction multiplies two columns of eight rows of W with two of a row of x and adds the pairs, so a register holds twice the
//! columns that it would in float32, and nothing is added across lanes. Sums are exact within blocks of 32 columns, then float32, as in
//! [`super::integers`].

use std::array::from_fn;
use std::ops::Range;

use super::activations::{Activations, BLOCK};
use super::instructions::Work;
use super::integers::Integers;
use super::lanes::Lanes;

/// Rows of x of a tile.
const ROWS: usize = 4;

/// Blocks of columns that are unpacked at a time: 16 KiB for 16 rows of W, half a first-level cache.
const DEEP: usize = 16;

/// A block of eight rows of W: a word of each row, for every word of the block.
type Eight = [[i32; 8]; BLOCK / 2];

/// Sums of a tile: for every row of x those of eights of rows of W.
type Sums<const EIGHTS: usize> = [[[f32; 8]; EIGHTS]; ROWS];

/// A part of y: rows of x times a panel of rows of W, added to what y has.
pub(super) struct Panel<'a, 'y, I> {
    pub matrix: I,
    /// First row of W.
    pub first: usize,
    pub x: &'a [Activations],
    /// For every row of x the results of the panel's rows.
    pub y: &'a mut [&'y mut [f32]],
}

impl<I: Integers> Work for Panel<'_, '_, I> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) {
        match L::EIGHTS {
            2 => self.multiply::<L, 2>(lanes),
            _ => self.multiply::<L, 1>(lanes),
        }
    }
}

impl<I: Integers> Panel<'_, '_, I> {
    #[inline(always)]
    fn multiply<L: Lanes, const EIGHTS: usize>(self, lanes: L) {
        let rows = self.y.first().map_or(0, |y| y.len());
        let blocks = self.x.first().map_or(0, |x| x.codes.len());
        let eights = rows.div_ceil(8 * EIGHTS) * EIGHTS;
        let most = DEEP.min(blocks);
        let (mut weights, mut scales) = (vec![Eight::default(); eights * most], vec![[0.0; 8]; eights * most]);
        for start in (0..blocks).step_by(DEEP) {
            let part = start..blocks.min(start + DEEP);
            let deep = part.len();
            for eight in 0..eights {
                let first = self.first + 8 * eight;
                let rows = first..(self.first + rows).clamp(first, first + 8);
                let place = eight * deep..(eight + 1) * deep;
                unpack(lanes, self.matrix, rows, part.clone(), &mut weights[place.clone()], &mut scales[place]);
            }
            for index in 0..eights / EIGHTS {
                let place = index * EIGHTS * deep..(index + 1) * EIGHTS * deep;
                let (weights, scales) = (&weights[place.clone()], &scales[place]);
                let column = 8 * EIGHTS * index;
                for (x, y) in self.x.chunks(ROWS).zip(self.y.chunks_mut(ROWS)) {
                    let mut sums = [[[0.0; 8]; EIGHTS]; ROWS];
                    for (sums, y) in sums.iter_mut().zip(&*y) {
                        read(sums, &y[column..]);
                    }
                    tile(lanes, weights, scales, x, part.clone(), &mut sums);
                    for (sums, y) in sums.iter().zip(y) {
                        write(sums, &mut y[column..]);
                    }
                }
            }
        }
    }
}

/// The integers and scales of at most eight rows of W in some blocks. Rows that there are not have any integers, whose products nobody reads.
#[inline(always)]
fn unpack<I: Integers, L: Lanes>(
    lanes: L,
    matrix: I,
    rows: Range<usize>,
    part: Range<usize>,
    weights: &mut [Eight],
    scales: &mut [[f32; 8]],
) {
    if rows.is_empty() {
        return;
    }
    let stored: [_; 8] = from_fn(|row| {
        let (blocks, scales, factor) = matrix.row(rows.start + row.min(rows.len() - 1));
        (&blocks[part.clone()], &scales[part.clone()], factor)
    });
    for (block, (weights, scales)) in weights.iter_mut().zip(scales).enumerate() {
        let mut halves = [[lanes.pairs(0); 8]; 2];
        for (row, (blocks, block_scales, factor)) in stored.iter().enumerate() {
            let ([a, b], scale) = I::weights(lanes, &blocks[block], &block_scales[block]);
            (halves[0][row], halves[1][row], scales[row]) = (a, b, scale * factor);
        }
        let (first, second) = weights.split_at_mut(8);
        first.copy_from_slice(&lanes.transposed(halves[0]));
        second.copy_from_slice(&lanes.transposed(halves[1]));
    }
}

/// The sums of eights from the row of y that begins with them; the last eight may be cut short.
#[inline(always)]
fn read(sums: &mut [[f32; 8]], y: &[f32]) {
    let (whole, rest) = y.as_chunks::<8>();
    let count = whole.len().min(sums.len());
    for (sums, y) in sums.iter_mut().zip(whole) {
        *sums = *y;
    }
    if let Some(last) = sums.get_mut(count) {
        last[..rest.len()].copy_from_slice(rest);
    }
}

#[inline(always)]
fn write(sums: &[[f32; 8]], y: &mut [f32]) {
    let (whole, rest) = y.as_chunks_mut::<8>();
    for (y, sums) in whole.iter_mut().zip(sums) {
        *y = *sums;
    }
    if let Some(last) = sums.get(whole.len()) {
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Adds the products of at most four rows of x with eights of rows of W, in some blocks.
#[inline(always)]
fn tile<L: Lanes, const EIGHTS: usize>(
    lanes: L,
    weights: &[Eight],
    scales: &[[f32; 8]],
    x: &[Activations],
    part: Range<usize>,
    sums: &mut Sums<EIGHTS>,
) {
    let deep = part.len();
    let weights: [&[Eight]; EIGHTS] = from_fn(|eight| &weights[eight * deep..][..deep]);
    let scales: [&[[f32; 8]]; EIGHTS] = from_fn(|eight| &scales[eight * deep..][..deep]);
    // Of fewer than four rows the last is multiplied again.
    let x: [&Activations; ROWS] = from_fn(|row| &x[row.min(x.len() - 1)]);
    let codes = x.map(|x| &x.codes[part.clone()]);
    let x_scales = x.map(|x| &x.scales[part.clone()]);
    for block in 0..deep {
        let mut products = [[lanes.zero_i32(); EIGHTS]; ROWS];
        let weights = weights.map(|weights| &weights[block]);
        let codes = codes.map(|codes| codes[block].as_flattened());
        for word in 0..BLOCK / 2 {
            let weights = weights.map(|weights| lanes.load(&weights[word]));
            for row in 0..ROWS {
                let pairs = lanes.pairs(codes[row][word]);
                for eight in 0..EIGHTS {
                    products[row][eight] = lanes.add(products[row][eight], lanes.dot_words(weights[eight], pairs));
                }
            }
        }
        for row in 0..ROWS {
            let x_scale = lanes.splat(x_scales[row][block]);
            for eight in 0..EIGHTS {
                let scale = lanes.product(lanes.read(&scales[eight][block]), x_scale);
                let sum = lanes.read(&sums[row][eight]);
                sums[row][eight] = lanes.write(lanes.plus_product(sum, lanes.float(products[row][eight]), scale));
            }
        }
    }
}
