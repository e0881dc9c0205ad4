//! The modified Bessel function of the first kind and order zero.

/// I0(x) by its power series, `Σ ((x/2)^k / k!)²`, to float64 rounding for 0 ≤ x < 100.
pub(super) fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}
