//! Rate change by linear interpolation in integer arithmetic, which the original uses for MP3 files.
//!
//! There is no low-pass filter, so it aliases; the model was trained on that. It is Python's `audioop.ratecv`.

/// Converts interleaved 16-bit frames from `source_rate` to `target_rate`.
///
/// With i/o the reduced ratio of the rates and N frames, the output has `floor((N − 1)·o/i) + 1` frames. Output j lies
/// between inputs k − 1 and k = ceil(j·i/o), at distance d = k·o − j·i (0 ≤ d < o) before k.
///
/// # Panics
/// Never for rates and channels above zero.
pub fn convert_rate_linear(interleaved: &[i16], channels: usize, source_rate: u32, target_rate: u32) -> Vec<i16> {
    let mut rate = LinearRate::new(channels, source_rate, target_rate);
    let mut converted = Vec::new();
    interleaved.chunks_exact(channels).for_each(|frame| rate.push(frame, |frame| converted.extend_from_slice(frame)));
    converted
}

/// The same conversion of frames as they come.
pub(super) struct LinearRate {
    step_in: u64,
    step_out: u64,
    /// Frames that came, and outputs that went.
    inputs: u64,
    outputs: u64,
    previous: Vec<i16>,
    blended: Vec<i16>,
}

impl LinearRate {
    pub(super) fn new(channels: usize, source_rate: u32, target_rate: u32) -> Self {
        let divisor = u64::from(gcd(source_rate, target_rate));
        let (step_in, step_out) = (u64::from(source_rate) / divisor, u64::from(target_rate) / divisor);
        Self { step_in, step_out, inputs: 0, outputs: 0, previous: vec![0; channels], blended: vec![0; channels] }
    }

    /// Takes a frame and gives the outputs that lie between it and the one before.
    pub(super) fn push(&mut self, frame: &[i16], mut give: impl FnMut(&[i16])) {
        while (self.outputs * self.step_in).div_ceil(self.step_out) == self.inputs {
            let distance = (self.inputs * self.step_out - self.outputs * self.step_in) as i64;
            for ((blended, before), after) in self.blended.iter_mut().zip(&self.previous).zip(frame) {
                *blended = blend(i64::from(*before), i64::from(*after), distance, self.step_out as i64);
            }
            give(&self.blended);
            self.outputs += 1;
        }
        self.previous.copy_from_slice(frame);
        self.inputs += 1;
    }

    /// Outputs of a number of frames.
    pub(super) fn count(&self, frames: usize) -> usize {
        match frames as u64 {
            0 => 0,
            frames => ((frames - 1) * self.step_out / self.step_in + 1) as usize,
        }
    }
}

/// The original works on 32-bit samples, truncates the quotient toward zero, and floors when it drops the lower half.
fn blend(before: i64, after: i64, distance: i64, step_out: i64) -> i16 {
    let weighted = (before << 16) * distance + (after << 16) * (step_out - distance);
    ((weighted / step_out) >> 16) as i16
}

/// Greatest common divisor.
pub(super) fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
