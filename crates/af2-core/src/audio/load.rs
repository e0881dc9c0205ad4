//! Entry points: a file, raw PCM or ready codes to windows.

use std::io::{Cursor, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::channel::Channel;
use super::decode::{Source, reject_non_finite};
use super::error::{AudioError, SAMPLE_RATES};
use super::general_path;
use super::level::Level;
use super::mp3_path;
use super::notices;
use super::windows::{WindowPlan, Windows};
use crate::config::AudioConfig;

/// Frames of raw PCM that are widened to float64 at a time.
const PCM_BLOCK: usize = 1 << 12;

/// Which of the original's two ways of reading a file is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadRules {
    /// The one for MP3 if the name ends in `.mp3` in this exact case, as in the original.
    #[default]
    ByName,
    /// The one for MP3: 16-bit samples, a linear rate change, then the average of the channels.
    Mp3,
    /// The one for all other files: the first channel with a band-limited rate change.
    Pcm,
}

impl LoadRules {
    /// Whether they are those for MP3.
    pub(super) fn are_for_mp3(self, file_name: &str) -> bool {
        match self {
            Self::ByName => file_name.ends_with(".mp3"),
            Self::Mp3 => true,
            Self::Pcm => false,
        }
    }
}

/// Loaded audio.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedAudio {
    /// What the encoder hears.
    pub windows: Windows,
    /// Where it came from.
    pub info: AudioInfo,
}

/// What is known of the source, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioInfo {
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
    /// How loud the audio that is heard was before normalisation.
    pub level: Level,
    /// What was passed over, missing or cut, and what makes an answer doubtful, one sentence each.
    pub notices: Vec<String>,
}

impl AudioInfo {
    fn new(codec: String, source_rate: u32, channels: usize, frames: usize, truncated: bool, level: Level) -> Self {
        let seconds = frames as f64 / f64::from(source_rate);
        Self { codec, source_rate, channels, frames, seconds, truncated, level, notices: Vec::new() }
    }
}

/// Loads an audio file, at most `max_windows` windows of it, by the rules that its name selects.
///
/// As in the original, a name that ends in `.mp3` (this exact case) selects the rules for MP3 whatever the file holds,
/// and every other name the general rules. How the bytes are decoded depends on the bytes alone.
///
/// # Errors
/// [`AudioError`], one line with the name of the file and the remedy.
pub fn load_file(
    bytes: Vec<u8>,
    file_name: &str,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<LoadedAudio, AudioError> {
    load_file_as(bytes, file_name, LoadRules::ByName, Channel::First, config, max_windows)
}

/// [`load_file`] by the rules, and of the channel, that the caller selects: what comes from a pipe has no name.
///
/// # Errors
/// [`AudioError`], one line with the name of the file and the remedy.
pub fn load_file_as(
    bytes: Vec<u8>,
    file_name: &str,
    rules: LoadRules,
    channel: Channel,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<LoadedAudio, AudioError> {
    load_source(Cursor::new(bytes), file_name, rules, channel, config, max_windows)
}

/// [`load_file_as`] from a file that need not be in memory: what lies behind the last window is not read, where the container allows.
///
/// # Errors
/// [`AudioError`], one line with the name of the file and the remedy.
pub fn load_source(
    source: impl Read + Seek + 'static,
    file_name: &str,
    rules: LoadRules,
    channel: Channel,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<LoadedAudio, AudioError> {
    load_from(source, file_name, rules, channel, config, max_windows, 0.0)
}

/// [`load_source`] of what begins at `start` seconds, as the original reads an entry with `audio_start`. Three of its habits are followed:
///
/// * by the rules for MP3, a file that is not longer than `start` and all windows together is heard from its beginning; a notice says so,
/// * the peak that decides on the loudness is also looked for in what follows the last window, for as many seconds as `start`,
/// * by the general rules, so is what the rate change reads beyond the last sample.
///
/// # Errors
/// [`AudioError`]; also where the file ends before `start`, or `start` is no time.
pub fn load_from(
    source: impl Read + Seek + 'static,
    file_name: &str,
    rules: LoadRules,
    channel: Channel,
    config: &AudioConfig,
    max_windows: usize,
    start: f64,
) -> Result<LoadedAudio, AudioError> {
    let plan = WindowPlan::new(config, max_windows)?;
    if !(start >= 0.0 && start.is_finite()) {
        return Err(AudioError::Settings { detail: format!("{start} s is no time at which a file can begin") });
    }
    // Files may be made to break decoders. Where panics unwind, a panic in a decoder becomes an error about the file.
    let work = || decode_and_normalise(source, file_name, rules, channel, &plan, start);
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(decoder_failed(file_name)))
}

/// The error where a decoder panicked.
pub(super) fn decoder_failed(name: &str) -> AudioError {
    AudioError::Corrupt { name: name.into(), detail: "the decoder failed".into() }
}

fn decode_and_normalise(
    source: impl Read + Seek + 'static,
    file_name: &str,
    rules: LoadRules,
    channel: Channel,
    plan: &WindowPlan,
    start: f64,
) -> Result<LoadedAudio, AudioError> {
    let mut source = Source::stream(source, file_name)?;
    channel.check(source.info().channels, file_name)?;
    let mp3 = rules.are_for_mp3(file_name);
    let mut ignored = false;
    let (codes, read, level, peaks) = if start > 0.0 {
        let load = if mp3 { mp3_path::load_from } else { general_path::load_from };
        let part = load(&mut source, channel, plan, start)?;
        let part = part.ok_or_else(|| AudioError::Start { name: file_name.into(), start: start.to_string() })?;
        ignored = part.from_beginning;
        (part.codes, part.read, part.level, part.peaks)
    } else {
        let load = if mp3 { mp3_path::load } else { general_path::load };
        load(&mut source, channel, plan)?
    };
    let info = source.info();
    let mut info = AudioInfo::new(info.codec.clone(), info.sample_rate, info.channels, read.frames, read.more, level);
    info.notices = source.notices();
    if ignored {
        info.notices.push(format!(
            "it is heard from its beginning, not from {start} s: the original's rules for MP3 cut only longer files"
        ));
    }
    info.notices.extend(notices::about_clip(level, &peaks, channel.single(!mp3), info.seconds));
    Ok(LoadedAudio { windows: Windows::new(codes, plan), info })
}

/// Loads raw samples (full scale ±1), one slice per channel, by the general rules.
///
/// # Errors
/// [`AudioError`] for no channel, one that is not there, channels of different lengths, no samples, samples that are not finite, or a sample
/// rate out of range.
pub fn load_pcm(
    channels: &[&[f32]],
    sample_rate: u32,
    channel: Channel,
    config: &AudioConfig,
    max_windows: usize,
) -> Result<LoadedAudio, AudioError> {
    let plan = WindowPlan::new(config, max_windows)?;
    let length = check_pcm(channels, sample_rate)?;
    channel.check(channels.len(), "PCM")?;
    let frames = length.min(general_path::frame_limit(&plan, sample_rate));
    let mut clip = general_path::Clip::new(channel, sample_rate, plan.sample_rate);
    for start in (0..frames).step_by(PCM_BLOCK) {
        let range = start..(start + PCM_BLOCK).min(frames);
        let widen = |channel: &&[f32]| channel[range.clone()].iter().map(|&sample| f64::from(sample)).collect();
        let widened: Vec<Vec<f64>> = channels.iter().map(widen).collect();
        let block: Vec<&[f64]> = widened.iter().map(Vec::as_slice).collect();
        reject_non_finite(&block, start, "PCM")?;
        clip.push(&block);
    }
    let (codes, level) = clip.codes();
    let mut info = AudioInfo::new("pcm".into(), sample_rate, channels.len(), frames, frames < length, level);
    info.notices = notices::about_clip(level, &clip.peaks, channel.single(true), info.seconds);
    Ok(LoadedAudio { windows: Windows::new(codes, &plan), info })
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

/// Frames of planar PCM, if it is audio at all.
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
