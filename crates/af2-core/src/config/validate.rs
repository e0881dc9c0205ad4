//! Checks a `config.json`: every number that later sizes a buffer or a table has a limit.

use thiserror::Error;

use super::{ModelConfig, SpecialTokens};
use crate::audio::frontend::MelSettings;
use crate::engine::STAGES;
use crate::small_file::{self, CONFIG_LIMIT};

/// The one value of `model_type`.
pub const MODEL_TYPE: &str = "audio-flamingo-2";

/// File name of the configuration.
pub const CONFIG_FILE: &str = "config.json";

/// Largest width: Qwen2.5-72B's widest layer has 29 568. A matrix of two such widths has 2³⁰ weights, so counts of
/// weights fit 32-bit sizes in wasm.
const MAX_WIDTH: usize = 1 << 15;

/// Most weights of the embedding, for the same reason; Qwen2.5-72B's has 1.25·10⁹.
const MAX_EMBEDDING: usize = 1 << 31;

/// Most vocabulary rows; the tokenizer's limit too. Qwen2.5 has at most 152 064.
const MAX_VOCABULARY: usize = 1 << 18;

/// Most layers, blocks or heads; Qwen2.5-72B has 80 layers. Tables of tensors grow with it.
const MAX_COUNT: usize = 1 << 8;

/// Rate of every release. The spectrogram's settings are made for it, and no file of a release states it.
const SAMPLE_RATE: usize = 16_000;

/// Fewest samples of a window: a spectrogram frame of 1024 is reflected at both ends.
const MIN_WINDOW_SAMPLES: f64 = 513.0;

/// Longest window, in seconds: releases have 10, which the encoder stretches to 1024 columns.
pub(crate) const MAX_WINDOW_LENGTH: f64 = 60.0;

/// Dimensions of a head that the audio transformer rotates at least.
const MIN_ROTARY_HEAD: usize = 32;

/// Why a configuration is unusable.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// Not the JSON expected.
    #[error("{CONFIG_FILE} is not a valid configuration: {0}; convert the release with `af2 convert`")]
    Json(String),
    /// A value outside of what a model can have.
    #[error("{CONFIG_FILE}: {field} is {value}, expected {expected}")]
    Field {
        /// Path of the field.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: String,
    },
}

impl ModelConfig {
    /// Reads and validates a `config.json`.
    ///
    /// # Errors
    /// [`ConfigError`], which names the field at fault.
    pub fn parse(json: &[u8]) -> Result<ModelConfig, ConfigError> {
        let json = small_file::body(json, CONFIG_LIMIT).map_err(|error| ConfigError::Json(error.to_string()))?;
        let config: ModelConfig = serde_json::from_slice(json).map_err(|error| ConfigError::Json(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// Checks ranges and divisibility; tensor shapes follow from the configuration without overflow afterwards.
    ///
    /// # Errors
    /// [`ConfigError::Field`] for the first value at fault.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.model_type != MODEL_TYPE {
            return Err(fault("model_type", &self.model_type, format!("`{MODEL_TYPE}`")));
        }
        self.validate_audio()?;
        self.validate_encoder()?;
        self.validate_audio_transformer()?;
        self.validate_cross_attention()?;
        self.validate_text()?;
        self.validate_tokens()
    }

    fn validate_audio(&self) -> Result<(), ConfigError> {
        let audio = &self.audio;
        same("audio.sample_rate", audio.sample_rate as usize, SAMPLE_RATE)?;
        let (length, least) = (audio.window_length, MIN_WINDOW_SAMPLES / SAMPLE_RATE as f64);
        if !(least..=MAX_WINDOW_LENGTH).contains(&length) {
            return Err(fault("audio.window_length", length, format!("seconds from {least} to {MAX_WINDOW_LENGTH}")));
        }
        within("audio.max_num_window", audio.max_num_window, audio.most_windows())?;
        if !(audio.window_overlap >= 0.0 && audio.window_overlap < audio.window_length) {
            let expected = format!("seconds from 0 to below {}", audio.window_length);
            return Err(fault("audio.window_overlap", audio.window_overlap, expected));
        }
        let padding = MelSettings::default().n_fft / 2; // reflected at both ends of a window
        if audio.window_samples() <= padding {
            return Err(fault("audio.window_length", audio.window_length, format!("more than {padding} samples")));
        }
        Ok(())
    }

    fn validate_encoder(&self) -> Result<(), ConfigError> {
        let encoder = &self.encoder;
        within("encoder.embed_dim", encoder.embed_dim, MAX_WIDTH)?;
        let stages = encoder.depths.len();
        same("number of encoder.depths", stages, STAGES)?;
        same("number of encoder.num_heads", encoder.num_heads.len(), stages)?;
        same("number of encoder.mlp_dims", encoder.mlp_dims.len(), stages)?;
        for stage in 0..stages {
            within("encoder.depths", encoder.depths[stage], MAX_COUNT)?;
            within("encoder.mlp_dims", encoder.mlp_dims[stage], MAX_WIDTH)?;
            within("encoder.num_heads", encoder.num_heads[stage], MAX_COUNT)?;
            divides("encoder.num_heads", encoder.num_heads[stage], encoder.embed_dim << stage)?;
        }
        within("audio_transformer.d_model", self.audio_transformer.d_model, MAX_WIDTH)?;
        same("audio_transformer.d_model", self.audio_transformer.d_model, encoder.output_dim())
    }

    fn validate_audio_transformer(&self) -> Result<(), ConfigError> {
        let audio = &self.audio_transformer;
        within("audio_transformer.n_layers", audio.n_layers, MAX_COUNT)?;
        within("audio_transformer.n_head", audio.n_head, MAX_COUNT)?;
        within("audio_transformer.d_inner", audio.d_inner, MAX_WIDTH)?;
        divides("audio_transformer.n_head", audio.n_head, audio.d_model)?;
        let head = audio.d_model / audio.n_head;
        if head < MIN_ROTARY_HEAD || !audio.rotary_dim().is_multiple_of(2) {
            let expected = format!("heads of at least {MIN_ROTARY_HEAD} dimensions, half of them an even number");
            return Err(fault("audio_transformer.n_head", audio.n_head, expected));
        }
        Ok(())
    }

    fn validate_cross_attention(&self) -> Result<(), ConfigError> {
        let cross = &self.cross_attention;
        within("cross_attention.num_heads", cross.num_heads, MAX_COUNT)?;
        within("cross_attention.head_dim", cross.head_dim, MAX_WIDTH / cross.num_heads)?;
        within("cross_attention.every_n_layers", cross.every_n_layers, self.text.num_hidden_layers)?;
        within("cross_attention.ff_inner", cross.ff_inner, MAX_WIDTH)
    }

    fn validate_text(&self) -> Result<(), ConfigError> {
        let text = &self.text;
        within("text.num_hidden_layers", text.num_hidden_layers, MAX_COUNT)?;
        within("text.hidden_size", text.hidden_size, MAX_WIDTH)?;
        within("text.num_attention_heads", text.num_attention_heads, MAX_COUNT)?;
        within("text.num_key_value_heads", text.num_key_value_heads, MAX_COUNT)?;
        divides("text.num_key_value_heads", text.num_key_value_heads, text.num_attention_heads)?;
        within("text.head_dim", text.head_dim, MAX_WIDTH / text.num_attention_heads)?;
        divides("2 (halves of text.head_dim)", 2, text.head_dim)?;
        within("text.intermediate_size", text.intermediate_size, MAX_WIDTH)?;
        within("text.vocab_size", text.vocab_size, MAX_VOCABULARY.min(MAX_EMBEDDING / text.hidden_size))?;
        positive("text.rms_norm_eps", f64::from(text.rms_norm_eps))?;
        positive("text.rope_theta", text.rope_theta)
    }

    fn validate_tokens(&self) -> Result<(), ConfigError> {
        let SpecialTokens { audio, end_of_chunk, pad, separator, end_of_text } = self.tokens;
        let most = self.text.vocab_size - 1;
        match [audio, end_of_chunk, pad, separator, end_of_text].into_iter().find(|&id| id as usize > most) {
            Some(id) => Err(fault("tokens", id, format!("ids up to {most}, the last vocabulary row"))),
            None => Ok(()),
        }
    }
}

fn within(field: &'static str, value: usize, most: usize) -> Result<(), ConfigError> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(fault(field, value, format!("1..={most}"))) }
}

fn same(field: &'static str, value: usize, expected: usize) -> Result<(), ConfigError> {
    if value == expected { Ok(()) } else { Err(fault(field, value, expected.to_string())) }
}

fn divides(field: &'static str, value: usize, whole: usize) -> Result<(), ConfigError> {
    if whole.is_multiple_of(value) { Ok(()) } else { Err(fault(field, value, format!("a divisor of {whole}"))) }
}

fn positive(field: &'static str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(fault(field, value, "a positive number".into())) }
}

fn fault(field: &'static str, value: impl ToString, expected: String) -> ConfigError {
    ConfigError::Field { field, value: value.to_string(), expected }
}
