//! Options that several commands share.

use std::path::Path;

use af2_core::audio::{Channel, LoadRules, LoadedAudio};
use af2_core::config::AudioConfig;
use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::audio_file::load_audio;
use crate::model::{Engine, EngineChoice, ModelFiles, load};
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
    /// Loads an audio file, or standard input for `-`.
    ///
    /// # Errors
    /// As [`load_audio`].
    pub fn load(self, config: &AudioConfig, path: &Path) -> Result<LoadedAudio> {
        load_audio(config, path, self.rules(), self.channel(), self.max_windows)
    }

    /// The rules that were asked for.
    pub fn rules(self) -> LoadRules {
        match self.rules {
            None => LoadRules::ByName,
            Some(AudioRules::Mp3) => LoadRules::Mp3,
            Some(AudioRules::Pcm) => LoadRules::Pcm,
        }
    }

    /// The channel that was asked for.
    pub fn channel(self) -> Channel {
        self.channel.unwrap_or_default()
    }
}
