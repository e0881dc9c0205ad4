//! A model from chunks of its shards, every shard verified.

use std::collections::HashMap;

use af2_core::engine::{ModelFiles, TensorBytes};
use af2_core::weights::tensor_table::tensor_table;

use crate::weights::Weights;
use crate::{Backend, CpuError, Model};

/// Takes the bytes of shards as they come and holds them until the model is built.
pub struct ModelLoader {
    backend: Backend,
    files: ModelFiles,
    /// Bytes of the stored tensors by name, as far as they have come.
    tensors: HashMap<String, Vec<u8>>,
    /// Bytes of every stored tensor, scales included.
    sizes: HashMap<String, u64>,
}

impl ModelLoader {
    /// Reads the small files; no weight has been read yet.
    ///
    /// # Errors
    /// As [`ModelFiles::parse`].
    pub fn new(
        backend: Backend,
        config_json: &[u8],
        tokenizer_json: &[u8],
        index_json: &[u8],
    ) -> Result<Self, CpuError> {
        let files = ModelFiles::parse(config_json, tokenizer_json, index_json)?;
        let layouts: Vec<_> = tensor_table(&files.config).iter().map(|tensor| tensor.layout(&files.index)).collect();
        let specs = layouts.iter().flat_map(|layout| layout.specs());
        let sizes = specs.map(|spec| (spec.name.clone(), spec.bytes())).collect();
        Ok(Self { backend, files, tensors: HashMap::new(), sizes })
    }

    /// File names of the shards and their sizes in bytes.
    pub fn shards(&self) -> Vec<(String, u64)> {
        self.files.shards.sizes()
    }

    /// Most bytes that the weights take until the model is ready: as stored, and the largest tensor once more; all once more in float32
    /// if the backend cannot compute with packed matrices.
    pub fn needed_bytes(&self) -> u64 {
        let stored = self.sizes.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
        let unpacked = if self.backend.computes_packed() {
            self.sizes.values().copied().max().unwrap_or(0)
        } else {
            self.files.index.metadata.total_parameters.saturating_mul(4)
        };
        stored.saturating_add(unpacked)
    }

    /// Takes the next bytes of a shard. Shards may come interleaved; the bytes of each come in order.
    ///
    /// # Errors
    /// As [`af2_core::engine::Shards::push`].
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), CpuError> {
        let mut store = |run: TensorBytes<'_>| {
            let size = self.sizes.get(run.tensor).copied().unwrap_or(0); // that of the shard's header, which was compared
            let held = self.tensors.entry(run.tensor.into()).or_insert_with(|| Vec::with_capacity(size as usize));
            held.truncate(run.offset as usize); // a shard may have been restarted
            held.extend_from_slice(run.bytes);
        };
        Ok(self.files.shards.push(shard, bytes, &mut store)?)
    }

    /// Compares the shard's size and SHA-256 with the index.
    ///
    /// # Errors
    /// As [`af2_core::engine::Shards::finish_shard`].
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), CpuError> {
        Ok(self.files.shards.finish_shard(shard)?)
    }

    /// Forgets what was read of a shard, so that it can be pushed again from its first byte.
    pub fn restart_shard(&mut self, shard: &str) {
        self.files.shards.restart(shard);
    }

    /// The model, once every shard was finished.
    ///
    /// # Errors
    /// As [`af2_core::engine::Shards::finish`].
    pub fn finish(self) -> Result<Model, CpuError> {
        let ModelFiles { config, tokenizer, index, shards } = self.files;
        shards.finish()?;
        let weights = Weights::new(&config, &index, self.tensors, self.backend);
        Model::new(config, tokenizer, &weights)
    }
}
