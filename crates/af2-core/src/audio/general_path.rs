//! Files whose name does not end in `.mp3`: one channel in float64, with a band-limited rate change.

use super::blocks::Blocks;
use super::channel::Channel;
use super::decode::{Read, Source};
use super::error::AudioError;
use super::level::{ChannelPeaks, Level};
use super::normalise::codes;
use super::part::{FirstSamples, Part, after};
use super::resample::Resampler;
use super::windows::WindowPlan;

/// One channel of a file at the target rate.
pub(super) struct Mono {
    resampler: Resampler,
    /// The channel that is heard, from 0; none for the average.
    single: Option<usize>,
    average: Vec<f64>,
}

impl Mono {
    pub(super) fn new(channel: Channel, source_rate: u32, target_rate: u32) -> Self {
        Self { resampler: Resampler::new(source_rate, target_rate), single: channel.single(true), average: Vec::new() }
    }

    /// Adds a block of finite samples, one slice per channel.
    pub(super) fn push(&mut self, block: &[&[f64]]) {
        match self.single {
            Some(channel) => self.resampler.push(block.get(channel).copied().unwrap_or_default()),
            None => {
                average(block, &mut self.average);
                self.resampler.push(&self.average);
            }
        }
    }

    /// Ends the source.
    pub(super) fn finish(&mut self) {
        self.resampler.finish();
    }

    /// Takes the samples at the target rate that are ready.
    pub(super) fn take(&mut self) -> Blocks {
        self.resampler.take()
    }
}

fn average(block: &[&[f64]], average: &mut Vec<f64>) {
    let frames = block.first().map_or(0, |channel| channel.len());
    let count = block.len() as f64;
    average.clear();
    average.extend((0..frames).map(|frame| block.iter().map(|channel| channel[frame]).sum::<f64>() / count));
}

/// What a whole clip is made from.
pub(super) struct Clip {
    mono: Mono,
    pub peaks: ChannelPeaks,
}

impl Clip {
    pub(super) fn new(channel: Channel, source_rate: u32, target_rate: u32) -> Self {
        Self { mono: Mono::new(channel, source_rate, target_rate), peaks: ChannelPeaks::default() }
    }

    pub(super) fn push(&mut self, block: &[&[f64]]) {
        self.peaks.push(block);
        self.mono.push(block);
    }

    /// Scales by the joint peak of all channels if any is beyond ±1, and gives the codes, with the level before that.
    ///
    /// The original scales before it changes the rate, which is linear: only the last bits differ.
    pub(super) fn codes(&mut self) -> (Vec<i16>, Level) {
        self.mono.finish();
        let mut samples = self.mono.take();
        let level = Level::of(samples.iter());
        if self.peaks.joint() > 1.0 {
            samples.divide_by(self.peaks.joint());
        }
        (codes(samples.iter(), samples.len()), level)
    }
}

/// Codes of the first seconds of `source`, as many as `plan` has room for, with their level and the peaks of all channels.
pub(super) fn load(
    source: &mut Source,
    channel: Channel,
    plan: &WindowPlan,
) -> Result<(Vec<i16>, Read, Level, ChannelPeaks), AudioError> {
    let rate = source.info().sample_rate;
    let mut clip = Clip::new(channel, rate, plan.sample_rate);
    let read = source.read(frame_limit(plan, rate), |block| clip.push(block))?;
    let (codes, level) = clip.codes();
    Ok((codes, read, level, clip.peaks))
}

/// As [`load`], of what begins at `start` seconds; none where the file ends before.
pub(super) fn load_from(
    source: &mut Source,
    channel: Channel,
    plan: &WindowPlan,
    start: f64,
) -> Result<Option<Part>, AudioError> {
    let rate = source.info().sample_rate;
    let in_frames = |seconds: f64| (seconds * f64::from(rate)) as usize;
    let (from, all) = (in_frames(start), in_frames(start + plan.max_seconds));
    let mut mono = Mono::new(channel, rate, plan.sample_rate);
    let (mut first, mut peaks) = (FirstSamples::new(plan.span(plan.max_windows)), ChannelPeaks::default());
    let mut frames = 0;
    let read = source.read(from.saturating_add(all), |block| {
        let inside = after(block, from.saturating_sub(frames));
        frames += block.first().map_or(0, |channel| channel.len());
        peaks.push(&inside);
        mono.push(&inside);
        first.push(mono.take().iter());
    })?;
    if read.frames <= from {
        return Ok(None);
    }
    mono.finish();
    first.push(mono.take().iter());
    let (codes, level) = first.codes(Some(peaks.joint()).filter(|peak| *peak > 1.0), |sample, peak| sample / peak);
    let frames = (read.frames - from).min(frame_limit(plan, rate));
    let read = Read { frames, more: read.more || frames < read.frames - from };
    Ok(Some(Part { codes, read, level, peaks, from_beginning: false }))
}

/// Source frames that are read; the cut comes before the rate change.
pub(super) fn frame_limit(plan: &WindowPlan, rate: u32) -> usize {
    (plan.max_seconds * f64::from(rate)) as usize
}
