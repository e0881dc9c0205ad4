//! Files whose name ends in `.mp3`: 16-bit PCM, an interpolated rate change, then the average of the channels.

use super::decode::{Read, Source};
use super::error::AudioError;
use super::linear_rate::{LinearRate, convert_rate_linear};
use super::normalise::codes_from_f32;
use super::windows::WindowPlan;

/// Codes of the first seconds of `source`, as many as `plan` has room for.
pub(super) fn load(source: &mut Source, plan: &WindowPlan) -> Result<(Vec<i16>, Read), AudioError> {
    let info = source.info().clone();
    let milliseconds = f64::from(info.sample_rate) / 1000.0;
    // The cut is decided on the length in rounded milliseconds, so one millisecond more than is kept must be known.
    let keep = (plan.max_seconds * 1000.0 * milliseconds) as usize;
    let mut rate = LinearRate::new(info.channels, info.sample_rate, plan.sample_rate);
    let (mut pcm, mut mono) = (Vec::new(), Vec::new());
    let mut read = source.read(keep + milliseconds.ceil() as usize + 1, |block| {
        pcm.clear();
        interleave_i16(block, info.integer, &mut pcm);
        pcm.chunks_exact(info.channels).for_each(|frame| rate.push(frame, |frame| mono.push(mono_sample(frame))));
    })?;
    if (1000.0 * read.frames as f64 / f64::from(info.sample_rate)).round_ties_even() > plan.max_seconds * 1000.0 {
        mono.truncate(rate.count(keep));
        read = Read { frames: read.frames.min(keep), more: true };
    }
    Ok((codes_from_f32(&mono), read))
}

/// Mono float32 samples at `target_rate` from interleaved 16-bit frames.
///
/// The rate changes first, by linear interpolation; then channels are averaged with each term rounded down (two channels:
/// the sum rounded down). The divisor is 32767.
pub fn mono_from_i16(interleaved: &[i16], channels: usize, source_rate: u32, target_rate: u32) -> Vec<f32> {
    let converted = convert_rate_linear(interleaved, channels, source_rate, target_rate);
    converted.chunks_exact(channels).map(mono_sample).collect()
}

fn mono_sample(frame: &[i16]) -> f32 {
    mix_down(frame) as f32 / 32767.0
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
