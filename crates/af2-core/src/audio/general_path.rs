//! Sounds whose file name does not end in `.mp3`: channel 0 in float64, with a band-limited rate change.

use super::decode::{Read, Source};
use super::error::AudioError;
use super::normalise::codes_from_f64;
use super::resample::resample;
use super::windows::WindowPlan;

/// Channel 0 of a sound, with the peak of all its channels.
pub(super) struct FirstChannel {
    samples: Vec<f64>,
    joint_peak: f64,
}

impl FirstChannel {
    pub(super) fn new() -> Self {
        Self { samples: Vec::new(), joint_peak: 0.0 }
    }

    /// Adds a block of finite samples, one slice per channel.
    pub(super) fn push(&mut self, block: &[&[f64]]) {
        let peaks = block.iter().flat_map(|channel| channel.iter()).map(|sample| sample.abs());
        self.joint_peak = peaks.fold(self.joint_peak, f64::max);
        self.samples.extend_from_slice(block.first().copied().unwrap_or_default());
    }

    /// Scales by the joint peak if any channel is beyond ±1, changes the rate and gives the codes.
    pub(super) fn into_codes(mut self, source_rate: u32, target_rate: u32) -> Vec<i16> {
        if self.joint_peak > 1.0 {
            self.samples.iter_mut().for_each(|sample| *sample /= self.joint_peak);
        }
        codes_from_f64(&resample(&self.samples, source_rate, target_rate))
    }
}

/// Codes of the first seconds of `source`, as many as `plan` has room for.
pub(super) fn load(source: &mut Source, plan: &WindowPlan) -> Result<(Vec<i16>, Read), AudioError> {
    let rate = source.facts().sample_rate;
    let mut first = FirstChannel::new();
    let read = source.read(frame_limit(plan, rate), |block| first.push(block))?;
    Ok((first.into_codes(rate, plan.sample_rate), read))
}

/// Source frames that are read; the cut comes before the rate change.
pub(super) fn frame_limit(plan: &WindowPlan, rate: u32) -> usize {
    (plan.max_seconds * f64::from(rate)) as usize
}
