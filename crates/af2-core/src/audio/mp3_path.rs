//! Files whose name ends in `.mp3`: 16-bit PCM, an interpolated rate change, then the average of the channels.

use std::mem::take;

use super::channel::Channel;
use super::decode::{Read, Source, StreamInfo};
use super::error::AudioError;
use super::level::{ChannelPeaks, Level};
use super::linear_rate::{LinearRate, convert_rate_linear};
use super::normalise::codes_from_f32;
use super::part::{FirstSamples, Part};
use super::windows::WindowPlan;

/// One channel of a file, or the average of all, at the target rate.
pub(super) struct Mono {
    rate: LinearRate,
    /// The channel that is heard, from 0; none for the average.
    single: Option<usize>,
    channels: usize,
    /// Whether samples were stored as integers.
    integer: bool,
    pcm: Vec<i16>,
    ready: Vec<f32>,
}

impl Mono {
    pub(super) fn new(channel: Channel, info: &StreamInfo, target_rate: u32) -> Self {
        let rate = LinearRate::new(info.channels, info.sample_rate, target_rate);
        let (single, channels, integer) = (channel.single(false), info.channels, info.integer);
        Self { rate, single, channels, integer, pcm: Vec::new(), ready: Vec::new() }
    }

    /// Adds a block of finite samples, one slice per channel.
    pub(super) fn push(&mut self, block: &[&[f64]]) {
        self.pcm.clear();
        interleave_i16(block, self.integer, &mut self.pcm);
        for frame in self.pcm.chunks_exact(self.channels) {
            self.rate.push(frame, |frame| self.ready.push(mono_sample(frame, self.single)));
        }
    }

    /// Takes the samples at the target rate that are ready.
    pub(super) fn take(&mut self) -> Vec<f32> {
        take(&mut self.ready)
    }
}

/// Codes of the first seconds of `source`, as many as `plan` has room for, with their level and the peaks of all channels.
pub(super) fn load(
    source: &mut Source,
    channel: Channel,
    plan: &WindowPlan,
) -> Result<(Vec<i16>, Read, Level, ChannelPeaks), AudioError> {
    let info = source.info().clone();
    let milliseconds = f64::from(info.sample_rate) / 1000.0;
    // The cut is decided on the length in rounded milliseconds, so one millisecond more than is kept must be known.
    let keep = (plan.max_seconds * 1000.0 * milliseconds) as usize;
    let (mut mono, mut peaks) = (Mono::new(channel, &info, plan.sample_rate), ChannelPeaks::default());
    let mut read = source.read(keep + milliseconds.ceil() as usize + 1, |block| {
        peaks.push(block);
        mono.push(block);
    })?;
    let mut samples = mono.take();
    if (1000.0 * read.frames as f64 / f64::from(info.sample_rate)).round_ties_even() > plan.max_seconds * 1000.0 {
        samples.truncate(mono.rate.count(keep));
        read = Read { frames: read.frames.min(keep), more: true };
    }
    let level = Level::of(samples.iter().map(|sample| f64::from(*sample)));
    Ok((codes_from_f32(&samples), read, level, peaks))
}

/// As [`load`], of what begins at `start` seconds if the file is longer than that and all windows together, else of its beginning; none
/// where the file ends before `start`.
pub(super) fn load_from(
    source: &mut Source,
    channel: Channel,
    plan: &WindowPlan,
    start: f64,
) -> Result<Option<Part>, AudioError> {
    let info = source.info().clone();
    let milliseconds = f64::from(info.sample_rate) / 1000.0;
    let (begin, end) = (start * 1000.0, (start + plan.max_seconds) * 1000.0);
    let (from, to) = ((begin * milliseconds) as usize, (end * milliseconds) as usize);
    // The length decides, and is known last: both are made.
    let mut whole = (Mono::new(channel, &info, plan.sample_rate), FirstSamples::new(plan.span(plan.max_windows)));
    let (mut part, mut part_peaks) = (Mono::new(channel, &info, plan.sample_rate), ChannelPeaks::default());
    let (mut peaks, mut frames) = (ChannelPeaks::default(), 0);
    let read = source.read(to.saturating_add(milliseconds.ceil() as usize + 1), |block| {
        let count = block.first().map_or(0, |channel| channel.len());
        peaks.push(block);
        whole.0.push(block);
        whole.1.push(whole.0.take().into_iter());
        let inside = from.saturating_sub(frames).min(count)..to.saturating_sub(frames).min(count);
        let inside: Vec<&[f64]> = block.iter().map(|channel| &channel[inside.clone()]).collect();
        part_peaks.push(&inside);
        part.push(&inside);
        frames += count;
    })?;
    if read.frames <= from {
        return Ok(None);
    }
    if (1000.0 * read.frames as f64 / f64::from(info.sample_rate)).round_ties_even() > end {
        let samples = part.take();
        let level = Level::of(samples.iter().map(|sample| f64::from(*sample)));
        let read = Read { frames: to - from, more: true };
        let codes = codes_from_f32(&samples);
        return Ok(Some(Part { codes, read, level, peaks: part_peaks, from_beginning: false }));
    }
    let (codes, level) = whole.1.codes(None, |sample, _| sample);
    let heard = read.frames.min((plan.max_seconds * 1000.0 * milliseconds) as usize);
    let read = Read { frames: heard, more: read.more || heard < read.frames };
    Ok(Some(Part { codes, read, level, peaks, from_beginning: true }))
}

/// Mono float32 samples at `target_rate` from interleaved 16-bit frames.
///
/// The rate changes first, by linear interpolation; then channels are averaged with each term rounded down (two channels:
/// the sum rounded down). The divisor is 32767.
pub fn mono_from_i16(interleaved: &[i16], channels: usize, source_rate: u32, target_rate: u32) -> Vec<f32> {
    let converted = convert_rate_linear(interleaved, channels, source_rate, target_rate);
    converted.chunks_exact(channels).map(|frame| mono_sample(frame, None)).collect()
}

fn mono_sample(frame: &[i16], single: Option<usize>) -> f32 {
    let sample = match single {
        Some(channel) => frame.get(channel).copied().map_or(0, i32::from),
        None => mix_down(frame),
    };
    sample as f32 / 32767.0
}

fn mix_down(frame: &[i16]) -> i32 {
    match *frame {
        [left, right] => (i32::from(left) + i32::from(right)).div_euclid(2),
        _ => frame.iter().map(|&sample| i32::from(sample).div_euclid(frame.len() as i32)).sum(),
    }
}

/// Appends a block as interleaved 16-bit PCM the way ffmpeg converts: floats are rounded, wider integers lose low bits.
fn interleave_i16(block: &[&[f64]], integer: bool, pcm: &mut Vec<i16>) {
    let frames = block.first().map_or(0, |channel| channel.len());
    let round = if integer { f64::floor } else { f64::round_ties_even };
    for frame in 0..frames {
        pcm.extend(block.iter().map(|channel| round(channel[frame] * 32768.0) as i16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_channels_are_averaged_rounding_down() {
        assert_eq!(mono_from_i16(&[3, -4, 32767, 32767], 2, 16000, 16000), [-1.0 / 32767.0, 1.0]);
    }

    #[test]
    fn more_channels_are_divided_before_the_sum() {
        assert_eq!(mix_down(&[5, 5, -1]), 1); // 1 + 1 − 1, where the true mean is 3
        assert_eq!(mix_down(&[-7]), -7);
    }

    #[test]
    fn float_samples_round_and_integers_are_cut() {
        let (mut rounded, mut cut) = (Vec::new(), Vec::new());
        let block: &[&[f64]] = &[&[1.5 / 32768.0, -1.5 / 32768.0, 2.5 / 32768.0, 1.5]];
        interleave_i16(block, false, &mut rounded);
        interleave_i16(block, true, &mut cut);
        assert_eq!(rounded, [2, -2, 2, 32767]);
        assert_eq!(cut, [1, -2, 2, 32767]);
    }
}
