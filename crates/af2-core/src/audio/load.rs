//! Entry points: a file, raw PCM or ready codes to windows.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::decode::{Source, reject_non_finite};
use super::error::{AudioError, SAMPLE_RATES};
use super::general_path::{self, FirstChannel};
use super::mp3_path;
use super::windows::{WindowPlan, Windows};
use crate::config::AudioConfig;

/// A loaded sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// What the encoder hears.
    pub windows: Windows,
    /// Where it came from.
    pub facts: ClipFacts,
}

/// Facts about the source of a sound, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFacts {
    /// Short name of the codec, for example `flac`; `pcm` for raw samples.
    pub codec: String,
    /// Frames per second of the source.
    pub source_rate: u32,
    /// Channels of the source.
    pub channels: usize,
    /// Frames of the source that are heard.
    pub frames: usize,
    /// Seconds of the source that are heard.
    pub seconds: f64,
    /// Whether the source goes on after the last window.
    pub truncated: bool,
}

impl ClipFacts {
    fn new(codec: String, source_rate: u32, channels: usize, frames: usize, truncated: bool) -> Self {
        Self { codec, source_rate, channels, frames, seconds: frames as f64 / f64::from(source_rate), truncated }
    }
}

/// Loads a sound file, at most `max_windows` windows of it.
///
/// As in the original, a name that ends in `.mp3` (this exact case) selects the rules for MP3 whatever the file holds,
/// and every other name the general rules. How the bytes are decoded depends on the bytes alone.
///
/// # Errors
/// [`AudioError`], one line with the name of the file and the way out.
pub fn load_file(
    bytes: Vec<u8>,
    file_name: &str,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<Clip, AudioError> {
    let plan = WindowPlan::new(config, max_windows)?;
    // Decoders meet bytes made to break them. Where unwinding exists, a panic in one is a damaged file, not our end.
    let guarded = catch_unwind(AssertUnwindSafe(|| decode_and_normalise(bytes, file_name, &plan)));
    guarded.unwrap_or_else(|_| Err(AudioError::Corrupt { name: file_name.into(), detail: "the decoder failed".into() }))
}

fn decode_and_normalise(bytes: Vec<u8>, file_name: &str, plan: &WindowPlan) -> Result<Clip, AudioError> {
    let mut source = Source::open(bytes, file_name)?;
    let by_mp3_rules = file_name.ends_with(".mp3");
    let load = if by_mp3_rules { mp3_path::load } else { general_path::load };
    let (codes, read) = load(&mut source, plan)?;
    let facts = source.facts();
    let facts = ClipFacts::new(facts.codec.clone(), facts.sample_rate, facts.channels, read.frames, read.more);
    Ok(Clip { windows: Windows::new(codes, plan), facts })
}

/// Loads raw samples (full scale ±1), one slice per channel, by the general rules.
///
/// # Errors
/// [`AudioError`] for no channel, channels of different lengths, no samples, samples that are not finite, or a sample
/// rate out of range.
pub fn load_pcm(
    channels: &[&[f32]],
    sample_rate: u32,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<Clip, AudioError> {
    let plan = WindowPlan::new(config, max_windows)?;
    let length = check_pcm(channels, sample_rate)?;
    let frames = length.min(general_path::frame_limit(&plan, sample_rate));
    let widen = |channel: &&[f32]| channel[..frames].iter().map(|&sample| f64::from(sample)).collect();
    let widened: Vec<Vec<f64>> = channels.iter().map(widen).collect();
    let block: Vec<&[f64]> = widened.iter().map(Vec::as_slice).collect();
    reject_non_finite(&block, 0, "PCM")?;
    let mut first = FirstChannel::new();
    first.push(&block);
    let windows = Windows::new(first.into_codes(sample_rate, plan.sample_rate), &plan);
    let facts = ClipFacts::new("pcm".into(), sample_rate, channels.len(), frames, frames < length);
    Ok(Clip { windows, facts })
}

/// Lays out codes that were made before. −32768, which normalisation never gives, is taken for −32767.
///
/// # Errors
/// [`AudioError::NoSamples`] without codes, [`AudioError::Settings`] for settings that describe no window.
pub fn from_codes(codes: &[i16], config: &AudioConfig, max_windows: usize) -> Result<Windows, AudioError> {
    let plan = WindowPlan::new(config, max_windows)?;
    if codes.is_empty() {
        return Err(AudioError::NoSamples { name: "codes".into() });
    }
    Ok(Windows::new(codes.iter().map(|&code| code.max(-32767)).collect(), &plan))
}

/// Frames of planar PCM, if it is sound at all.
fn check_pcm(channels: &[&[f32]], sample_rate: u32) -> Result<usize, AudioError> {
    let name = || "PCM".to_string();
    let Some(first) = channels.first() else {
        return Err(AudioError::Channels { detail: "no channel".into() });
    };
    if let Some(other) = channels.iter().find(|channel| channel.len() != first.len()) {
        let detail = format!("channels of {} and {} samples", first.len(), other.len());
        return Err(AudioError::Channels { detail });
    }
    if first.is_empty() {
        return Err(AudioError::NoSamples { name: name() });
    }
    if !SAMPLE_RATES.contains(&sample_rate) {
        return Err(AudioError::SampleRate { name: name(), rate: sample_rate });
    }
    Ok(first.len())
}
