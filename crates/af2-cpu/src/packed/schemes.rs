//! The integer schemes of [`af2_core::weights::scheme`], as they are stored.

use super::activations::Order;
use super::integers::Integers;
use super::lanes::Lanes;

/// 4-bit codes: weight = (code − 8) · group scale · row scale, with 16 columns to a group.
#[derive(Clone, Copy)]
pub(super) struct Q4<'a> {
    /// 16 bytes per block, \[rows, blocks\].
    pub codes: &'a [[u8; 16]],
    /// Bytes of scales of all rows: the row's float32, two bytes per block, zeros up to a whole word.
    pub scales: &'a [u8],
    /// Blocks of a row.
    pub blocks: usize,
    /// Bytes of scales of a row.
    pub scale_bytes: usize,
}

impl Integers for Q4<'_> {
    const ORDER: Order = Order::Nibbles;
    type Block = [u8; 16];
    type Scale = [u8; 2];

    #[inline(always)]
    fn row(&self, row: usize) -> (&[[u8; 16]], &[[u8; 2]], f32) {
        let codes = &self.codes[row * self.blocks..][..self.blocks];
        let scales = self.scales[row * self.scale_bytes..][..self.scale_bytes].as_chunks::<2>().0;
        let (factor, groups) = scales.split_at(2);
        let factor: [u8; 4] = pulp::cast([factor[0], factor[1]]);
        (codes, &groups[..self.blocks], f32::from_le_bytes(factor))
    }

    /// Code − 8 times the group's scale: at most 8 · 128.
    #[inline(always)]
    fn weights<L: Lanes>(lanes: L, block: &[u8; 16], scale: &[u8; 2]) -> ([L::I16; 2], f32) {
        let ([low, high], scales) = (lanes.nibbles(block), lanes.halves(*scale));
        ([lanes.mul(low, scales), lanes.mul(high, scales)], 1.0)
    }
}

/// 8-bit codes: weight = code · group scale, with 32 columns to a group.
#[derive(Clone, Copy)]
pub(super) struct Q8<'a> {
    /// 32 bytes per block, \[rows, blocks\].
    pub codes: &'a [[[u8; 16]; 2]],
    /// A scale per block.
    pub scales: &'a [f32],
    /// Blocks of a row.
    pub blocks: usize,
}

impl Integers for Q8<'_> {
    const ORDER: Order = Order::Columns;
    type Block = [[u8; 16]; 2];
    type Scale = f32;

    #[inline(always)]
    fn row(&self, row: usize) -> (&[[[u8; 16]; 2]], &[f32], f32) {
        let place = row * self.blocks..(row + 1) * self.blocks;
        (&self.codes[place.clone()], &self.scales[place], 1.0)
    }

    #[inline(always)]
    fn weights<L: Lanes>(lanes: L, block: &[[u8; 16]; 2], scale: &f32) -> ([L::I16; 2], f32) {
        ([lanes.codes(&block[0]), lanes.codes(&block[1])], *scale)
    }
}
