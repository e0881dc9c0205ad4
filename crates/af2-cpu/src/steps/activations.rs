//! Activation functions in arithmetic that every vector unit has, so that the compiler computes many at a time.
//!
//! What is not finite stays so: infinity at most turns into NaN.

use crate::packed::Lanes;
use crate::packed::Work;

/// e^x, within 2·10⁻⁷ of its value for x of −87 to 88; beyond, what it is there. NaN of NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: sums with it are rounded to integers, which their lowest bits are
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4]; // the first has few bits, so that its products are exact
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    // The series up to r⁷, of |r| < 0.35.
    let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0));
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * tail)));
    series * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// x·Φ(x) of every number, with erf by Abramowitz and Stegun 7.1.26 (error below 1.5·10⁻⁷).
pub(crate) struct Gelu<'a>(pub &'a mut [f32]);

impl Work for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        for x in self.0 {
            let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
            let t = 1.0 / (1.0 + 0.327_591_1 * z);
            let series = 1.421_413_8 + t * (-1.453_152_1 + t * 1.061_405_4);
            let rest = t * (0.254_829_6 + t * (-0.284_496_72 + t * series)) * exp(-z * z); // erfc(z)
            let below = 0.5 * *x * rest;
            *x = if *x > 0.0 { *x - below } else { below };
        }
    }
}

/// gate = SiLU(gate) · up.
pub(super) struct SiluTimes<'a> {
    pub gate: &'a mut [f32],
    pub up: &'a [f32],
}

impl Work for SiluTimes<'_> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        for (gate, up) in self.gate.iter_mut().zip(self.up) {
            *gate = *gate / (1.0 + exp(-*gate)) * up;
        }
    }
}
