//! Fourier transform tables, and a plain radix-2 transform that serves as the oracle.

use std::f64::consts::TAU;

/// The periodic Hann window, `0.5 − 0.5·cos(2πn/n_fft)`, `[n_fft]`, with the float32 angles of the original.
pub fn hann_window(n_fft: usize) -> Vec<f32> {
    let step = (TAU / n_fft as f64) as f32;
    (0..n_fft).map(|n| 0.5 - 0.5 * f64::from(n as f32 * step).cos() as f32).collect()
}

/// Twiddle factors `exp(−2πi·k/n_fft)` as (cos, sin) pairs for k = 0..n_fft/2, `[n_fft / 2]`.
pub fn fft_twiddles(n_fft: usize) -> Vec<[f32; 2]> {
    (0..n_fft / 2).map(|k| twiddle(k, n_fft).map(|part| part as f32)).collect()
}

fn twiddle(k: usize, n_fft: usize) -> [f64; 2] {
    let angle = -TAU * k as f64 / n_fft as f64;
    [angle.cos(), angle.sin()]
}

/// Replaces complex values by their discrete Fourier transform (Cooley and Tukey, decimation in time).
///
/// # Panics
/// When the length is not a power of two.
pub fn fft_in_place(values: &mut [[f64; 2]]) {
    let n = values.len();
    assert!(n.is_power_of_two(), "transform length {n} is not a power of two");
    reverse_bits(values);
    let mut half = 1;
    while half < n {
        let twiddles: Vec<[f64; 2]> = (0..half).map(|k| twiddle(k, 2 * half)).collect();
        values.chunks_exact_mut(2 * half).for_each(|chunk| butterflies(chunk, &twiddles));
        half *= 2;
    }
}

fn reverse_bits(values: &mut [[f64; 2]]) {
    let unused = usize::BITS - values.len().trailing_zeros();
    for i in 1..values.len() {
        let j = i.reverse_bits() >> unused;
        if i < j {
            values.swap(i, j);
        }
    }
}

fn butterflies(chunk: &mut [[f64; 2]], twiddles: &[[f64; 2]]) {
    let (low, high) = chunk.split_at_mut(twiddles.len());
    for ((a, b), [cos, sin]) in low.iter_mut().zip(high).zip(twiddles) {
        let turned = [b[0] * cos - b[1] * sin, b[0] * sin + b[1] * cos];
        *b = [a[0] - turned[0], a[1] - turned[1]];
        *a = [a[0] + turned[0], a[1] + turned[1]];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transform_agrees_with_the_definition() {
        let signal: Vec<f64> = (0..32).map(|i| ((i * i + 3) % 17) as f64 - 8.0).collect();
        let mut values: Vec<[f64; 2]> = signal.iter().map(|&x| [x, 0.5 * x]).collect();
        let input = values.clone();
        fft_in_place(&mut values);
        for (k, value) in values.iter().enumerate() {
            let mut expected = [0.0; 2];
            for (n, x) in input.iter().enumerate() {
                let [cos, sin] = twiddle(k * n % 32, 32);
                expected[0] += x[0] * cos - x[1] * sin;
                expected[1] += x[0] * sin + x[1] * cos;
            }
            assert!((value[0] - expected[0]).abs() < 1e-11 && (value[1] - expected[1]).abs() < 1e-11, "bin {k}");
        }
    }

    #[test]
    fn twiddles_turn_clockwise() {
        let twiddles = fft_twiddles(1024);
        assert_eq!((twiddles.len(), twiddles[0]), (512, [1.0, 0.0]));
        assert_eq!(twiddles[256][1], -1.0);
    }
}
