//! Bicubic interpolation along time with aligned corners, as four taps per output row.

/// Steepness of the cubic; torch's value.
const A: f64 = -0.75;

/// Source rows and weights of every output row.
#[derive(Debug, Clone, PartialEq)]
pub struct BicubicTable {
    /// Source rows, clamped to the input, `[output]` of 4.
    pub indices: Vec<[u32; 4]>,
    /// Their weights, `[output]` of 4.
    pub weights: Vec<[f32; 4]>,
}

/// The table that stretches `input` rows to `output` rows (1001 to 1024 in every release).
///
/// Coordinates are float32, like the original's; float64 would move them by up to 5e-5 of a row.
pub fn bicubic_table(input: usize, output: usize) -> BicubicTable {
    let scale = if output > 1 { (input.max(1) - 1) as f32 / (output - 1) as f32 } else { 0.0 };
    let (indices, weights) = (0..output).map(|row| taps(row as f32 * scale, input)).unzip();
    BicubicTable { indices, weights }
}

fn taps(source: f32, input: usize) -> ([u32; 4], [f32; 4]) {
    let base = source.floor();
    let t = f64::from(source - base);
    let last = input.max(1) as i64 - 1;
    let index = |offset: i64| (base as i64 + offset).clamp(0, last) as u32;
    let weights = [outer(t + 1.0), inner(t), inner(1.0 - t), outer(2.0 - t)].map(|weight| weight as f32);
    ([index(-1), index(0), index(1), index(2)], weights)
}

/// The cubic for distances up to 1.
fn inner(x: f64) -> f64 {
    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
}

/// The cubic for distances from 1 to 2.
fn outer(x: f64) -> f64 {
    ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
}
