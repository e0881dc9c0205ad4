//! Audio from bytes or samples to the windows that a model encodes; the same code as the command line's.

use crate::failure::{Code, failure};
use crate::picture::{self, Picture};
use af2_core::audio::{AudioError, Channel, LoadRules, LoadedAudio, Windows, load_file_as, load_pcm};
use af2_core::config::{AudioConfig, ModelConfig};
use std::cell::OnceCell;
use wasm_bindgen::prelude::*;

/// Decoded audio, cut in windows.
#[wasm_bindgen]
pub struct AudioWindows {
    clip: LoadedAudio,
    window_seconds: f64,
    picture: OnceCell<Picture>,
}

/// Decodes a file. Without a model's `config.json` the windows are those of the releases: 10 s at 16 kHz.
///
/// # Errors
/// `UNSUPPORTED_AUDIO` when nothing can be decoded, `BAD_REQUEST` for an unknown `channel`, `BAD_MODEL` for a malformed `config`.
#[wasm_bindgen(js_name = decodeAudio)]
pub fn decode_audio(
    bytes: Vec<u8>,
    file_name: &str,
    max_windows: usize,
    channel: Option<String>,
    config: Option<String>,
) -> Result<AudioWindows, JsValue> {
    let (audio, channel) = (audio_config(config)?, channel_of(channel)?);
    let clip = load_file_as(bytes, file_name, LoadRules::ByName, channel, &audio, max_windows);
    Ok(AudioWindows::new(clip.map_err(audio_failure)?, &audio))
}

/// Takes raw samples in [-1, 1], `[channels, length]`.
///
/// # Errors
/// `UNSUPPORTED_AUDIO` for samples that are no audio, `BAD_MODEL` for a malformed `config`.
#[wasm_bindgen(js_name = audioFromPcm)]
pub fn audio_from_pcm(
    samples: &[f32],
    channels: usize,
    sample_rate: u32,
    max_windows: usize,
    channel: Option<String>,
    config: Option<String>,
) -> Result<AudioWindows, JsValue> {
    let (audio, channel) = (audio_config(config)?, channel_of(channel)?);
    let length = samples.len() / channels.max(1);
    let planes: Vec<&[f32]> = if length == 0 { Vec::new() } else { samples.chunks_exact(length).collect() };
    let clip = load_pcm(&planes, sample_rate, channel, &audio, max_windows);
    Ok(AudioWindows::new(clip.map_err(audio_failure)?, &audio))
}

/// The channel to hear: `mix`, or a number from 1; without a choice that of the original.
pub fn channel_of(choice: Option<String>) -> Result<Channel, JsValue> {
    let Some(choice) = choice else { return Ok(Channel::default()) };
    choice.parse().map_err(|error| failure(Code::BadRequest, error))
}

/// An audio file's error: a channel or a hop that it cannot have is the caller's.
pub fn audio_failure(error: AudioError) -> JsValue {
    let asked =
        matches!(error, AudioError::NoSuchChannel { .. } | AudioError::Hop { .. } | AudioError::Settings { .. });
    failure(if asked { Code::BadRequest } else { Code::UnsupportedAudio }, error)
}

/// The window settings of a model, or those that all releases share.
fn audio_config(config: Option<String>) -> Result<AudioConfig, JsValue> {
    let Some(json) = config else {
        return Ok(AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 });
    };
    let parsed: ModelConfig = serde_json::from_str(&json)
        .map_err(|error| failure(Code::BadModel, format!("config.json: {error}: convert the model again")))?;
    Ok(parsed.audio)
}

impl AudioWindows {
    fn new(clip: LoadedAudio, config: &AudioConfig) -> Self {
        Self { clip, window_seconds: config.window_length, picture: OnceCell::new() }
    }

    pub(crate) fn windows(&self) -> &Windows {
        &self.clip.windows
    }

    fn drawn(&self) -> &Picture {
        self.picture.get_or_init(|| picture::draw(&self.clip.windows))
    }
}

#[wasm_bindgen]
impl AudioWindows {
    /// Windows.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.clip.windows.count
    }

    /// Seconds of audio in all windows.
    #[wasm_bindgen(getter)]
    pub fn seconds(&self) -> f64 {
        self.clip.windows.seconds()
    }

    /// Seconds per window.
    #[wasm_bindgen(getter, js_name = windowSeconds)]
    pub fn window_seconds(&self) -> f64 {
        self.window_seconds
    }

    /// Samples per second of the source.
    #[wasm_bindgen(getter, js_name = sourceRate)]
    pub fn source_rate(&self) -> u32 {
        self.clip.info.source_rate
    }

    /// Whether the source goes on after the last window.
    #[wasm_bindgen(getter)]
    pub fn truncated(&self) -> bool {
        self.clip.info.truncated
    }

    /// Whether there is nothing to hear.
    #[wasm_bindgen(getter)]
    pub fn silent(&self) -> bool {
        self.clip.info.level.is_silent()
    }

    /// The 16-bit codes that the model gets, without padding.
    pub fn codes(&self) -> Vec<i16> {
        self.clip.windows.codes.clone()
    }

    /// What was skipped, missing or cut while decoding, one sentence each.
    #[wasm_bindgen(getter)]
    pub fn notices(&self) -> Vec<String> {
        self.clip.info.notices.clone()
    }

    /// Minimum and maximum of each of `columns` equal stretches of all windows, `[columns, 2]`, in [-1, 1].
    pub fn waveform(&self, columns: u32) -> Vec<f32> {
        self.clip.windows.envelope(columns)
    }

    /// Columns of the log-mel picture.
    #[wasm_bindgen(getter, js_name = pictureWidth)]
    pub fn picture_width(&self) -> usize {
        self.drawn().width
    }

    /// Mel bands of the log-mel picture.
    #[wasm_bindgen(getter, js_name = pictureHeight)]
    pub fn picture_height(&self) -> usize {
        self.drawn().height
    }

    /// The log-mel picture, `[height, width]`, lowest band first, 0 quiet to 255 loud.
    pub fn picture(&self) -> Vec<u8> {
        self.drawn().data.clone()
    }
}
