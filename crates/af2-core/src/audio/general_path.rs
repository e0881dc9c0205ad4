//! Files whose name does not end in `.mp3`: channel 0 in float64, with a band-limited rate change.

use super::decode::{Read, Source};
use super::error::AudioError;
use super::normalise::codes;
use super::resample::Resampler;
use super::windows::WindowPlan;

/// Channel 0 of a file at the target rate, with the peak of all its channels.
pub(super) struct FirstChannel {
    resampler: Resampler,
    joint_peak: f64,
}

impl FirstChannel {
    pub(super) fn new(source_rate: u32, target_rate: u32) -> Self {
        Self { resampler: Resampler::new(source_rate, target_rate), joint_peak: 0.0 }
    }

    /// Adds a block of finite samples, one slice per channel.
    pub(super) fn push(&mut self, block: &[&[f64]]) {
        let peaks = block.iter().flat_map(|channel| channel.iter()).map(|sample| sample.abs());
        self.joint_peak = peaks.fold(self.joint_peak, f64::max);
        self.resampler.push(block.first().copied().unwrap_or_default());
    }

    /// Scales by the joint peak if any channel is beyond ±1, and gives the codes.
    ///
    /// The original scales before it changes the rate, which is linear: only the last bits differ.
    pub(super) fn into_codes(self) -> Vec<i16> {
        let mut samples = self.resampler.finish();
        if self.joint_peak > 1.0 {
            samples.divide_by(self.joint_peak);
        }
        codes(samples.iter(), samples.len())
    }
}

/// Codes of the first seconds of `source`, as many as `plan` has room for.
pub(super) fn load(source: &mut Source, plan: &WindowPlan) -> Result<(Vec<i16>, Read), AudioError> {
    let rate = source.info().sample_rate;
    let mut first = FirstChannel::new(rate, plan.sample_rate);
    let read = source.read(frame_limit(plan, rate), |block| first.push(block))?;
    Ok((first.into_codes(), read))
}

/// Source frames that are read; the cut comes before the rate change.
pub(super) fn frame_limit(plan: &WindowPlan, rate: u32) -> usize {
    (plan.max_seconds * f64::from(rate)) as usize
}
