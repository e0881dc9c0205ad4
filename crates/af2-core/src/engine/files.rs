//! The small files of a converted model, read and checked against each other.

use super::{EngineError, Shards};
use crate::config::ModelConfig;
use crate::text::Tokenizer;
use crate::weights::index::ModelIndex;

/// Everything of a model but its weights.
pub struct ModelFiles {
    /// `config.json`.
    pub config: ModelConfig,
    /// `tokenizer.json`.
    pub tokenizer: Tokenizer,
    /// `model.safetensors.index.json`; it lists every tensor that the configuration asks for.
    pub index: ModelIndex,
    /// The shards, of which no byte has been read yet.
    pub shards: Shards,
}

impl ModelFiles {
    /// Reads the three files, and compares the other two with the index.
    ///
    /// # Errors
    /// The first file at fault, in the order configuration, index, tokenizer; then the first tensor that the index lacks.
    pub fn parse(config_json: &[u8], tokenizer_json: &[u8], index_json: &[u8]) -> Result<Self, EngineError> {
        let config = ModelConfig::parse(config_json)?;
        let index = ModelIndex::parse(index_json)?;
        index.verify_file("config.json", config_json)?;
        index.verify_file("tokenizer.json", tokenizer_json)?;
        let tokenizer = Tokenizer::from_json(tokenizer_json)?;
        let shards = Shards::new(&config, &index)?;
        Ok(Self { config, tokenizer, index, shards })
    }
}
