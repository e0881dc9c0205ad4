//! Band-limited rate change as a bank of filters, one per phase between input and output samples.

use super::kernel::{Kernel, cubic_weights};
use super::linear_rate::gcd;

/// Coefficients a bank may hold: 16 MiB. Ratios that would need more use [`COARSE_PHASES`] and interpolate between them.
const MAX_COEFFICIENTS: usize = 4 << 20;

/// Phases per input sample of an interpolated bank; cubic interpolation between them is exact to 1e-8.
const COARSE_PHASES: usize = 128;

/// Products summed side by side. Separate sums keep float32 rounding far below one 16-bit code and fill vector units.
const LANES: usize = 32;

/// Converts `input` from `source_rate` to `target_rate` Hz.
///
/// The output has `ceil(n·target/source)` samples, of which the last may be an exact zero: the original's converter
/// produces only the rounded number and the rest is filled. Agrees with it to about 1e-6 of full scale.
pub fn resample(input: &[f64], source_rate: u32, target_rate: u32) -> Vec<f64> {
    if source_rate == target_rate {
        return input.to_vec();
    }
    let bank = PhaseBank::new(source_rate, target_rate);
    let padded = bank.pad(input);
    let mut output: Vec<f64> =
        (0..converted_length(input.len(), source_rate, target_rate)).map(|m| bank.output(&padded, m)).collect();
    output.resize(filled_length(input.len(), source_rate, target_rate), 0.0);
    output
}

/// Samples the converter itself produces: the length rounded to the nearest.
fn converted_length(input: usize, source_rate: u32, target_rate: u32) -> usize {
    let (input, source, target) = (input as u128, u128::from(source_rate), u128::from(target_rate));
    ((2 * input * target + source) / (2 * source)) as usize
}

/// Samples after filling: the ceiling, in float64 arithmetic like the original.
fn filled_length(input: usize, source_rate: u32, target_rate: u32) -> usize {
    let ceiling = (input as f64 * (f64::from(target_rate) / f64::from(source_rate))).ceil() as usize;
    ceiling.max(converted_length(input, source_rate, target_rate))
}

/// Filter rows for the phases of one ratio.
struct PhaseBank {
    /// Output m lies at input position m·step_in/step_out.
    step_in: u64,
    step_out: u64,
    /// Rows per input sample.
    phases: usize,
    /// Whether positions fall between rows.
    interpolated: bool,
    /// Coefficients per row, a multiple of [`LANES`].
    taps: usize,
    /// Inputs before the output's own position that the first coefficient stands for.
    before: usize,
    rows: Vec<f32>,
}

impl PhaseBank {
    fn new(source_rate: u32, target_rate: u32) -> Self {
        let kernel = Kernel::new(source_rate, target_rate);
        let divisor = gcd(source_rate, target_rate);
        let step_out = (target_rate / divisor) as usize;
        // Kernel units (samples of the lower rate) per input sample; also the filter's gain.
        let unit = f64::from(source_rate.min(target_rate)) / f64::from(source_rate);
        let before = (kernel.reach() / unit).ceil() as usize + 1;
        let taps = (2 * before + 1).next_multiple_of(LANES);
        let interpolated = step_out * taps > MAX_COEFFICIENTS;
        let phases = if interpolated { COARSE_PHASES } else { step_out };
        let rows = filter_rows(&kernel, unit, phases, interpolated, before, taps);
        let step_in = u64::from(source_rate / divisor);
        Self { step_in, step_out: step_out as u64, phases, interpolated, taps, before, rows }
    }

    /// The input with zeros on both sides, so that every row fits.
    fn pad(&self, input: &[f64]) -> Vec<f32> {
        let mut padded = vec![0.0; self.before];
        padded.extend(input.iter().map(|&sample| sample as f32));
        padded.resize(padded.len() + self.taps, 0.0);
        padded
    }

    fn output(&self, padded: &[f32], m: usize) -> f64 {
        let position = m as u64 * self.step_in;
        let start = (position / self.step_out) as usize;
        let phase = position % self.step_out;
        let inputs = &padded[start..start + self.taps];
        if self.interpolated { self.between_rows(inputs, phase) } else { dot(self.row(phase as usize), inputs) }
    }

    fn between_rows(&self, inputs: &[f32], phase: u64) -> f64 {
        let position = phase as f64 * self.phases as f64 / self.step_out as f64;
        let base = position as usize;
        let weights = cubic_weights(position - base as f64);
        weights.iter().enumerate().map(|(i, weight)| weight * dot(self.row(base + i), inputs)).sum()
    }

    fn row(&self, index: usize) -> &[f32] {
        &self.rows[index * self.taps..(index + 1) * self.taps]
    }
}

/// Rows for the phases 0, 1/phases, ...; an interpolated bank begins one row early and ends two rows late.
fn filter_rows(kernel: &Kernel, unit: f64, phases: usize, interpolated: bool, before: usize, taps: usize) -> Vec<f32> {
    let (first, count) = if interpolated { (-1.0, phases + 3) } else { (0.0, phases) };
    let mut rows = Vec::with_capacity(count * taps);
    for row in 0..count {
        let fraction = (row as f64 + first) / phases as f64;
        rows.extend((0..taps).map(|tap| {
            let distance = fraction + before as f64 - tap as f64;
            (unit * kernel.at(unit * distance)) as f32
        }));
    }
    rows
}

/// Inner product of two slices whose length is a multiple of [`LANES`].
fn dot(row: &[f32], inputs: &[f32]) -> f64 {
    let mut sums = [0.0f32; LANES];
    for (weights, samples) in row.chunks_exact(LANES).zip(inputs.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * samples[lane];
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}
