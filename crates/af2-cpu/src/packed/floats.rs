//! Rows of matrices that are stored as floating-point numbers, in single or half precision.

use super::instructions::Work;
use super::lanes::Lanes;

/// Columns that are added side by side.
const LANES: usize = 16;

/// The bytes of a stored number.
pub(super) trait Float: Copy + Send + Sync {
    /// Exact.
    fn value(self) -> f32;
}

impl Float for [u8; 4] {
    #[inline(always)]
    fn value(self) -> f32 {
        f32::from_le_bytes(self)
    }
}

impl Float for [u8; 2] {
    /// In operations that every vector unit has: a shift puts exponent and mantissa in place, and a product with a power of two corrects the
    /// exponent's bias, for subnormal numbers too.
    #[inline(always)]
    fn value(self) -> f32 {
        const BIAS: f32 = f32::from_bits((127 + 127 - 15) << 23);
        let half = u32::from(u16::from_le_bytes(self));
        let magnitude = (half & 0x7fff) << 13;
        let finite = (f32::from_bits(magnitude) * BIAS).to_bits();
        let special = magnitude | 0x7f80_0000; // infinity and NaN
        let bits = if half & 0x7c00 == 0x7c00 { special } else { finite };
        f32::from_bits(bits | (half & 0x8000) << 16)
    }
}

/// Dot products of a matrix's rows, \[rows, cols\], as [`super::integers::Dots`] has them.
pub(super) struct FloatDots<'a, F> {
    pub matrix: &'a [F],
    pub cols: usize,
    /// \[activation rows, cols\].
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl<F: Float> Work for FloatDots<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        let (mut values, count) = (vec![0.0; self.cols], self.x.len() / self.cols);
        for (row, y) in self.matrix.chunks_exact(self.cols).zip(self.y.chunks_exact_mut(count)) {
            widen(row, &mut values);
            for (y, x) in y.iter_mut().zip(self.x.chunks_exact(self.cols)) {
                *y = dot(&values, x);
            }
        }
    }
}

/// The values of stored numbers.
pub(super) struct FloatValues<'a, F> {
    pub matrix: &'a [F],
    pub values: &'a mut [f32],
}

impl<F: Float> Work for FloatValues<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        widen(self.matrix, self.values);
    }
}

#[inline(always)]
fn widen<F: Float>(stored: &[F], values: &mut [f32]) {
    for (stored, value) in stored.iter().zip(values) {
        *value = stored.value();
    }
}

/// The sum of products, 16 side by side.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
