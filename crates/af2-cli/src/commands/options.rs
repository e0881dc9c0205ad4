//! Options that several commands share.

use std::path::Path;

use af2_core::audio::{Channel, LoadRules, LoadedAudio, WindowStream};
use af2_core::config::AudioConfig;
use anyhow::{Context, Result, ensure};
use clap::builder::{RangedU64ValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::audio_file::load_audio;
use crate::model::{Engine, EngineChoice, ModelFiles, load};
use crate::open_file::open_regular;
use crate::terminal::note;

/// On which GPU.
#[derive(Debug, Args)]
pub(super) struct AdapterOption {
    /// Use the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
}

impl AdapterOption {
    /// The part of a name that was given.
    pub fn name(&self) -> Option<&str> {
        self.adapter.as_deref()
    }
}

/// In which engine.
#[derive(Debug, Args)]
pub(super) struct EngineOptions {
    #[command(flatten)]
    adapter: AdapterOption,
    /// What computes; by default the GPU. Without a hardware GPU, ask and batch turn to the CPU.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineChoice>,
}

impl EngineOptions {
    /// The same options for another command.
    pub fn arguments(&self) -> Vec<String> {
        let engine = self.engine.and_then(|engine| Some(engine.to_possible_value()?.get_name().to_owned()));
        let given = [("--engine", engine), ("--adapter", self.adapter.adapter.clone())];
        given.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten().collect()
    }

    /// Loads the model of a directory, into the engine `default` where none was asked for. One line on stderr says what of it could
    /// not be verified.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self, dir: &Path, default: Option<EngineChoice>) -> Result<Box<dyn Engine>> {
        let engine = load(dir, self.engine.or(default), self.adapter.name())?;
        if let Some(notice) = ModelFiles::notice(dir)? {
            note(notice);
        }
        Ok(engine)
    }
}

/// How an audio file is read.
#[derive(Debug, Clone, Copy, Args, Serialize)]
pub(super) struct AudioOptions {
    /// Windows of 10 s to listen to; the model's own limit by default, 30 for five minutes, at most 150.
    #[arg(long, value_name = "N")]
    pub max_windows: Option<usize>,
    #[command(flatten)]
    #[serde(flatten)]
    reading: ReadingOptions,
}

/// What of an audio file is read, and by which rules.
#[derive(Debug, Clone, Copy, Args, Serialize)]
struct ReadingOptions {
    /// Read the audio by the original's rules for MP3 or for all other files (pcm); by default a name that ends in .mp3 decides.
    #[arg(long = "as", value_name = "RULES")]
    #[serde(rename = "as")]
    rules: Option<AudioRules>,
    /// Hear this channel, counted from 1, or the average of all (mix); by default the first, by the rules for MP3 the average.
    #[arg(long, value_name = "N|mix")]
    #[serde(skip_serializing_if = "Option::is_none")] // batches of before it was there go on
    channel: Option<Channel>,
}

/// The rules of one of the original's two loaders, whatever the file is called.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum AudioRules {
    /// Those for MP3: 16-bit samples, a linear rate change, the average of the channels.
    Mp3,
    /// Those for all other files: the first channel, a band-limited rate change.
    Pcm,
}

impl AudioOptions {
    /// Loads an audio file from a second on, or standard input for `-`.
    ///
    /// # Errors
    /// As [`load_audio`].
    pub fn load(self, config: &AudioConfig, path: &Path, start: f64) -> Result<LoadedAudio> {
        load_audio(config, path, self.reading.rules(), self.reading.channel(), self.max_windows, start)
    }
}

impl ReadingOptions {
    /// The rules that were asked for.
    fn rules(self) -> LoadRules {
        match self.rules {
            None => LoadRules::ByName,
            Some(AudioRules::Mp3) => LoadRules::Mp3,
            Some(AudioRules::Pcm) => LoadRules::Pcm,
        }
    }

    /// The channel that was asked for.
    fn channel(self) -> Channel {
        self.channel.unwrap_or_default()
    }
}

/// How a file of any length is listened to, window by window.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct StreamOptions {
    /// Seconds from the start of one window to the start of the next; by default the windows of the model side by side.
    #[arg(long, value_name = "S")]
    hop: Option<f64>,
    /// Windows that are computed together: more are faster on a GPU, and take more of its memory.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = batches())]
    pub batch: usize,
    #[command(flatten)]
    reading: ReadingOptions,
}

/// Windows of a batch: at most 64.
pub(super) fn batches() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=64)
}

/// Reads a probability.
pub(super) fn probability(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "a probability from 0 to 1 is expected".into())
}

impl StreamOptions {
    /// Seconds from window to window.
    pub fn hop(self, config: &AudioConfig) -> f64 {
        self.hop.unwrap_or(config.window_length - config.window_overlap)
    }

    /// Opens an audio file. Nothing of it is in memory but the current window.
    ///
    /// # Errors
    /// It cannot be read, or holds no audio that can be decoded.
    pub fn open(self, config: &AudioConfig, path: &Path) -> Result<WindowStream> {
        ensure!(path != Path::new("-"), "standard input cannot be searched for its sound track; name a file");
        let file = open_regular(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (rules, channel) = (self.reading.rules(), self.reading.channel());
        Ok(WindowStream::open(file, &name, rules, channel, config, self.hop(config))?)
    }

    /// The options that decide what is heard of a file, as JSON; those that were not given are left out.
    ///
    /// # Errors
    /// They are no JSON.
    pub fn reading(self) -> Result<String> {
        let mut given = serde_json::to_value(self.reading)?;
        if let Some(given) = given.as_object_mut() {
            given.retain(|_, value| !value.is_null());
        }
        Ok(given.to_string())
    }
}
