//! A model from the bytes of its files, whole or in pieces, every shard verified.

use std::collections::BTreeMap;

use af2_core::config::ModelConfig;
use af2_core::text::Tokenizer;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::{Header, HeaderError, PREFIX_BYTES, header_bytes};
use af2_core::weights::verify::ShardHasher;

use crate::weights::{Shard, Weights};
use crate::{Backend, Model, ReferenceError};

/// Takes the bytes of shards as they come and keeps them until all are there.
pub struct ModelLoader {
    backend: Backend,
    config: ModelConfig,
    tokenizer: Tokenizer,
    index: ModelIndex,
    arriving: BTreeMap<String, Vec<u8>>,
    complete: BTreeMap<String, Shard>,
}

impl ModelLoader {
    /// Reads the small files; no weight has been read yet.
    ///
    /// # Errors
    /// A file is malformed.
    pub fn new(
        backend: Backend,
        config_json: &[u8],
        tokenizer_json: &[u8],
        index_json: &[u8],
    ) -> Result<Self, ReferenceError> {
        Ok(Self {
            backend,
            config: ModelConfig::parse(config_json)?,
            tokenizer: Tokenizer::from_json(tokenizer_json)?,
            index: ModelIndex::parse(index_json)?,
            arriving: BTreeMap::new(),
            complete: BTreeMap::new(),
        })
    }

    /// File names of the shards and their sizes in bytes.
    pub fn shards(&self) -> Vec<(String, u64)> {
        self.index.shards.iter().map(|(name, shard)| (name.clone(), shard.bytes)).collect()
    }

    /// Bytes that the weights take once they are unpacked to float32.
    pub fn unpacked_bytes(&self) -> u64 {
        self.index.metadata.total_parameters.saturating_mul(4)
    }

    /// Takes the next bytes of a shard. Shards may come interleaved; the bytes of each come in order.
    ///
    /// # Errors
    /// The shard is unknown or longer than the index says.
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), ReferenceError> {
        let expected = self.index.shards.get(shard).ok_or_else(|| ReferenceError::UnknownShard(shard.into()))?;
        let held = self.arriving.entry(shard.into()).or_default();
        if (held.len() + bytes.len()) as u64 > expected.bytes {
            return Err(ReferenceError::TooLong { shard: shard.into(), bytes: expected.bytes });
        }
        held.extend_from_slice(bytes);
        Ok(())
    }

    /// Compares the shard's size and SHA-256 with the index, and reads its header.
    ///
    /// # Errors
    /// They differ, the header is not sound, or the shard is unknown.
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), ReferenceError> {
        let expected = self.index.shards.get(shard).ok_or_else(|| ReferenceError::UnknownShard(shard.into()))?;
        let bytes = self.arriving.remove(shard).unwrap_or_default();
        let mut hasher = ShardHasher::new();
        hasher.update(&bytes);
        hasher.verify(shard, expected.bytes, &expected.sha256)?;
        let header = header(&bytes).map_err(|source| ReferenceError::Header { shard: shard.into(), source })?;
        self.complete.insert(shard.into(), Shard { header, bytes });
        Ok(())
    }

    /// Forgets what was read of a shard, so that it can be pushed again from its first byte.
    pub fn restart_shard(&mut self, shard: &str) {
        self.arriving.remove(shard);
        self.complete.remove(shard);
    }

    /// The model, once every shard was finished.
    ///
    /// # Errors
    /// A tensor is missing or is not what the configuration asks for.
    pub fn finish(self) -> Result<Model, ReferenceError> {
        let weights = Weights::new(&self.config, self.index, self.complete, self.backend.device());
        Model::new(self.config, self.tokenizer, &weights)
    }
}

/// The header of a whole shard.
fn header(bytes: &[u8]) -> Result<Header, HeaderError> {
    let file = bytes.len() as u64;
    let prefix = bytes.first_chunk().ok_or(HeaderError::Truncated { header: 0, file })?;
    let begin = PREFIX_BYTES as usize;
    Header::parse(&bytes[begin..begin + header_bytes(*prefix, file)?], file)
}
