//! The audio of a request: base64, a data URL, or an address on the network.

use af2_core::audio::{AudioError, load_file};
use af2_core::config::AudioConfig;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Clip;
use crate::error::ApiError;

/// Standard base64; some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Gets a file from the network. It blocks.
pub trait Fetch: Send + Sync {
    /// The file at an `http` or `https` address, at most `limit` bytes of it.
    ///
    /// # Errors
    /// Why there is none, in one line.
    fn fetch(&self, url: &str, limit: usize) -> Result<Vec<u8>, String>;
}

/// Where the audio of a request is.
#[derive(Debug)]
pub(crate) enum AudioSource {
    /// In the request: base64, and the name that stands in messages and selects rules.
    Inline { base64: String, name: String },
    /// At this address.
    Url(String),
}

/// How audio is fetched and cut.
pub(crate) struct AudioRules {
    pub config: AudioConfig,
    /// Windows that are heard.
    pub max_windows: usize,
    /// What fetches addresses; none where that is not allowed.
    pub fetch: Option<Box<dyn Fetch>>,
}

fn wrong(what: impl Into<String>) -> ApiError {
    ApiError::parameter("messages", what)
}

fn take_text(value: &mut Value) -> Option<String> {
    match value.take() {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The name of a file that was sent without one: the original reads files whose name ends in `.mp3` by rules of their own.
fn named(format: &str) -> String {
    let letters: String = format.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let format = if letters == "mpeg" { "mp3" } else { &letters };
    if format.is_empty() { "audio".into() } else { format!("audio.{}", format.to_ascii_lowercase()) }
}

impl AudioSource {
    /// Of `{"type": "input_audio", "input_audio": {"data", "format"}}`.
    pub fn of_input(mut part: Value) -> Result<Self, ApiError> {
        let audio = part.get_mut("input_audio");
        let name = named(audio.as_ref().and_then(|audio| audio.get("format")?.as_str()).unwrap_or_default());
        let data = audio.and_then(|audio| audio.get_mut("data")).and_then(take_text);
        let base64 = data.ok_or_else(|| wrong("an input_audio part has no data; send the file there, in base64"))?;
        Ok(Self::Inline { base64, name })
    }

    /// Of `{"type": "audio_url", "audio_url": {"url"}}`, or of a bare string in its place.
    pub fn of_url(mut part: Value) -> Result<Self, ApiError> {
        let url = part.get_mut("audio_url").and_then(|audio| match audio {
            Value::Object(audio) => audio.get_mut("url").and_then(take_text),
            bare => take_text(bare),
        });
        let url = url.ok_or_else(|| wrong("an audio_url part has no url"))?;
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(wrong("audio_url is no URL; send a data URL with the file in base64"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => Ok(Self::Url(url)),
            "data" => Self::of_data_url(rest),
            other => {
                let other: String = other.chars().take(20).collect();
                Err(wrong(format!("audio_url starts with {other:?}; send a data URL with the file in base64")))
            }
        }
    }

    /// Of what follows `data:`.
    fn of_data_url(rest: &str) -> Result<Self, ApiError> {
        let (kind, data) = rest.split_once(',').unwrap_or((rest, ""));
        let Some(kind) = kind.strip_suffix(";base64") else {
            return Err(wrong("the data URL is not in base64; it must begin with data:audio/…;base64,"));
        };
        let format = kind.split(';').next().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default();
        Ok(Self::Inline { base64: data.to_owned(), name: named(format) })
    }

    /// The decoded audio. It blocks: on the network, and on the CPU.
    ///
    /// # Errors
    /// 400 where it is no audio, or cannot be had.
    pub fn load(self, rules: &AudioRules, limit: usize) -> Result<Clip, ApiError> {
        let (bytes, name) = match self {
            Self::Inline { base64, name } => (decode(&base64)?, name),
            Self::Url(url) => {
                let Some(fetch) = &rules.fetch else {
                    return Err(wrong(
                        "this server fetches no audio (--allow-urls lets it); send the file in a data URL, in base64",
                    ));
                };
                let bytes = fetch.fetch(&url, limit).map_err(|why| wrong(format!("audio_url: {why}")))?;
                let path = url.split(['?', '#']).next().unwrap_or_default();
                (bytes, named(path.rsplit_once('.').map_or("", |(_, format)| format)))
            }
        };
        clip(bytes, &name, rules).map_err(|error| wrong(error.to_string()))
    }
}

fn decode(base64: &str) -> Result<Vec<u8>, ApiError> {
    let broken = |error| wrong(format!("the audio is no base64: {error}"));
    if base64.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let bytes: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return BASE64.decode(bytes).map_err(broken);
    }
    BASE64.decode(base64).map_err(broken)
}

fn clip(bytes: Vec<u8>, name: &str, rules: &AudioRules) -> Result<Clip, AudioError> {
    let mut hash = Sha256::new();
    hash.update([u8::from(name.ends_with(".mp3"))]);
    hash.update(&bytes);
    let audio = load_file(bytes, name, &rules.config, rules.max_windows)?;
    Ok(Clip { digest: hash.finalize().into(), audio })
}
