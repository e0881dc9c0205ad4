//! Activations as integers of 16 bits.
//!
//! Blocks of 32 columns have a scale s = max|x| / 32767 and codes round(x / s). The error of x is at most max|x| / 65534, a hundred times less
//! than that of the 8 bits that are usual for this: products of stored weights stay within float32's tolerances. 16 × 11 bits (a q4 code
//! times its group's scale) or 16 × 8 bits (a q8 code) add up to 27 bits in the 4 products of a lane, so no sum overflows.

use super::lanes::Lanes;

/// Columns that share a scale.
pub(super) const BLOCK: usize = 32;

/// The codes of a block, two to a word.
pub(super) type Codes = [[i32; 8]; 2];

/// In which order the codes of a block stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As the columns.
    Columns,
    /// As the low nibbles of a q4 block, then as its high nibbles: columns 8w + b, then 8w + b + 4, of word w and byte b.
    Nibbles,
}

/// A row of activations.
pub(crate) struct Activations {
    /// Codes of every block.
    pub codes: Vec<Codes>,
    /// Scale of every block; NaN for one with a number that is not finite, so that the result is NaN too.
    pub scales: Vec<f32>,
}

impl Activations {
    /// Rounds a row of whole blocks.
    #[inline(always)]
    pub fn of<L: Lanes>(lanes: L, x: &[f32], order: Order) -> Self {
        let blocks = x.as_chunks::<BLOCK>().0;
        let mut row = Self { codes: Vec::with_capacity(blocks.len()), scales: Vec::with_capacity(blocks.len()) };
        for block in blocks {
            let (scale, inverse) = scale(block);
            let halves: [[f32; 16]; 2] = match order {
                Order::Columns => pulp::cast(*block),
                Order::Nibbles => nibble_halves(block),
            };
            row.codes.push([lanes.rounded(&halves[0], inverse), lanes.rounded(&halves[1], inverse)]);
            row.scales.push(scale);
        }
        row
    }
}

/// A block's scale and its inverse. Numbers so small that the inverse would be infinite count as 0.
#[inline(always)]
fn scale(block: &[f32; BLOCK]) -> (f32, f32) {
    const TOP: f32 = 32767.0;
    // Magnitudes are ordered as their bits are, and infinity and NaN come after every number.
    let most = f32::from_bits(block.iter().fold(0, |most: u32, x| most.max(x.abs().to_bits())));
    if !most.is_finite() {
        return (f32::NAN, 0.0);
    }
    (most / TOP, if most > TOP * f32::MIN_POSITIVE { TOP / most } else { 0.0 })
}

#[inline(always)]
fn nibble_halves(block: &[f32; BLOCK]) -> [[f32; 16]; 2] {
    let words: [[[f32; 4]; 2]; 4] = pulp::cast(*block);
    pulp::cast([0, 1].map(|half| words.map(|word| word[half])))
}
