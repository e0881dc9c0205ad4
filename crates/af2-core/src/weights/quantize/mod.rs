//! Quantization of matrices: integer codes and scales.
//!
//! Loops run over a fixed number of lanes and round by adding a large constant, so they vectorise on every target.

pub(super) mod q4;
pub(super) mod q8;

/// A matrix in one of the schemes, as the bytes of its two tensors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packed {
    /// The data tensor.
    pub data: Vec<u8>,
    /// The scales tensor; empty for `f32` and `f16`.
    pub scales: Vec<u8>,
}

/// 1.5 · 2²³: adding it to a small float leaves the nearest integer (ties to even) in the low mantissa bits.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest integer of a float below 2²² in magnitude.
fn nearest(x: f32) -> f32 {
    (x + ROUNDER) - ROUNDER
}

/// 1 / scale, and 0 for a scale of 0 so that all codes become 0.
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { scale.recip() }
}

/// The value of largest magnitude, with its sign.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most: f32, &x| if x.abs() > most.abs() { x } else { most })
}

/// Data for the tests of both schemes.
#[cfg(test)]
pub(super) mod sample {
    /// Uniform in 0..1 (xorshift).
    pub fn uniform(state: &mut u64) -> f32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 40) as f32 / (1 << 24) as f32
    }

    /// Sums of `n` uniform values, centred: n = 1 is flat, n = 12 nearly normal.
    pub fn values(state: &mut u64, count: usize, n: usize, size: f32) -> Vec<f32> {
        let mut value = || ((0..n).map(|_| uniform(state)).sum::<f32>() - n as f32 / 2.0) * size;
        (0..count).map(|_| value()).collect()
    }
}
