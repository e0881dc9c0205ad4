//! Band-limited rate change as a bank of filters, one per phase between input and output samples.

use std::mem::take;

use super::blocks::Blocks;
use super::kernel::{Kernel, cubic_weights};
use super::linear_rate::gcd;

/// Coefficients a bank may hold: 16 MiB. Ratios that would need more use [`COARSE_PHASES`] and interpolate between them.
const MAX_COEFFICIENTS: usize = 4 << 20;

/// Phases per input sample of an interpolated bank; cubic interpolation between them is exact to 1e-8.
const COARSE_PHASES: usize = 128;

/// Partial sums of a dot product: several keep float32 rounding far below one 16-bit code and fill vector units.
const LANES: usize = 32;

/// Converts `input` from `source_rate` to `target_rate` Hz.
///
/// The output has `ceil(n·target/source)` samples, of which the last may be an exact zero: the original's converter
/// produces only the rounded number and the rest is filled. Agrees with it to about 1e-6 of full scale.
pub fn resample(input: &[f64], source_rate: u32, target_rate: u32) -> Vec<f64> {
    let mut resampler = Resampler::new(source_rate, target_rate);
    resampler.push(input);
    resampler.finish();
    resampler.take().iter().collect()
}

/// The same conversion of blocks as they come: only the output and the filter's reach of input are in memory.
pub(super) struct Resampler {
    /// None where the rates agree.
    bank: Option<PhaseBank>,
    source_rate: u32,
    target_rate: u32,
    /// Inputs that later outputs need, after zeros before the first one.
    window: Vec<f32>,
    /// Inputs that were in front of the window.
    dropped: usize,
    inputs: usize,
    /// Outputs so far, and those that were not taken yet.
    outputs: usize,
    ready: Blocks,
}

/// The window moves once this many of its inputs are no longer needed.
const SLACK: usize = 1 << 16;

impl Resampler {
    pub(super) fn new(source_rate: u32, target_rate: u32) -> Self {
        let bank = (source_rate != target_rate).then(|| PhaseBank::new(source_rate, target_rate));
        let window = vec![0.0; bank.as_ref().map_or(0, |bank| bank.before)];
        Self { bank, source_rate, target_rate, window, dropped: 0, inputs: 0, outputs: 0, ready: Blocks::default() }
    }

    /// Takes the next samples of the source.
    pub(super) fn push(&mut self, input: &[f64]) {
        self.inputs += input.len();
        if self.bank.is_none() {
            self.outputs += input.len();
            self.ready.extend(input);
            return;
        }
        for chunk in input.chunks(SLACK) {
            self.window.extend(chunk.iter().map(|&sample| sample as f32));
            self.produce(usize::MAX);
        }
    }

    /// Ends the source: zeros stand behind its last sample.
    pub(super) fn finish(&mut self) {
        let Some(bank) = &self.bank else { return };
        self.window.resize(self.window.len() + bank.taps, 0.0);
        self.produce(converted_length(self.inputs, self.source_rate, self.target_rate));
        let taken = self.outputs - self.ready.len();
        self.outputs = filled_length(self.inputs, self.source_rate, self.target_rate).max(taken);
        self.ready.resize(self.outputs - taken);
    }

    /// Takes the outputs that are ready.
    pub(super) fn take(&mut self) -> Blocks {
        take(&mut self.ready)
    }

    /// Appends the outputs whose inputs are all there, up to `count` of them in all.
    fn produce(&mut self, count: usize) {
        let Some(bank) = &self.bank else { return };
        while self.outputs < count {
            let (start, phase) = bank.position(self.outputs);
            let Some(inputs) = self.window.get(start - self.dropped..start - self.dropped + bank.taps) else { break };
            self.ready.push(bank.output(inputs, phase));
            self.outputs += 1;
        }
        let done = bank.position(self.outputs).0 - self.dropped;
        if done >= SLACK {
            let done = done.min(self.window.len());
            self.window.drain(..done);
            self.dropped += done;
        }
    }
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

    /// First input, and phase, of output `m`.
    fn position(&self, m: usize) -> (usize, u64) {
        let position = m as u64 * self.step_in;
        ((position / self.step_out) as usize, position % self.step_out)
    }

    fn output(&self, inputs: &[f32], phase: u64) -> f64 {
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

/// Dot product of two slices whose length is a multiple of [`LANES`].
fn dot(row: &[f32], inputs: &[f32]) -> f64 {
    let mut sums = [0.0f32; LANES];
    for (weights, samples) in row.chunks_exact(LANES).zip(inputs.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * samples[lane];
        }
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}
