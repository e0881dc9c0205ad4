//! A model from chunks of its shards, without holding weights on the host.

use af2_core::engine::{ModelFiles, Shards};
use af2_gpu::Gpu;

use crate::allocator::Destinations;
use crate::weights::Weights;
use crate::{Model, ModelError};

/// Takes the bytes of shards as they come and writes them to where the kernels read them.
pub struct ModelLoader {
    gpu: Gpu,
    model: Model,
    shards: Shards,
    destinations: Destinations,
}

impl ModelLoader {
    /// Allocates all that the model needs on the GPU; no weight has been read yet.
    ///
    /// # Errors
    /// As [`ModelFiles::parse`], or the device has too little memory.
    pub async fn new(
        gpu: &Gpu,
        config_json: &[u8],
        tokenizer_json: &[u8],
        index_json: &[u8],
    ) -> Result<Self, ModelError> {
        let ModelFiles { config, tokenizer, index, shards } =
            ModelFiles::parse(config_json, tokenizer_json, index_json)?;
        let allocate = || Ok(Weights::allocate(gpu, &config, &index));
        let (weights, destinations) = gpu.scoped("the weights", allocate).await??;
        let model = Model::new(gpu.clone(), config, tokenizer, weights)?;
        Ok(Self { gpu: gpu.clone(), model, shards, destinations })
    }

    /// Compiles every kernel that the model needs. A browser does so in its GPU process, while the shards' bytes arrive: call this
    /// before the first of them.
    ///
    /// # Errors
    /// The device has too little memory, or a kernel does not compile.
    pub async fn warm_up(&self) -> Result<(), ModelError> {
        self.model.warm_up().await
    }

    /// File names of the shards and their sizes in bytes.
    pub fn shards(&self) -> Vec<(String, u64)> {
        self.shards.sizes()
    }

    /// Takes the next bytes of a shard. Shards may come interleaved; the bytes of each come in order.
    ///
    /// # Errors
    /// As [`Shards::push`].
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), ModelError> {
        Ok(self.shards.push(shard, bytes, &mut |run| self.destinations.write(&self.gpu, run))?)
    }

    /// Compares the shard's size and SHA-256 with the index.
    ///
    /// # Errors
    /// As [`Shards::finish_shard`].
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), ModelError> {
        Ok(self.shards.finish_shard(shard)?)
    }

    /// Forgets what was read of a shard, so that it can be pushed again from its first byte.
    pub fn restart_shard(&mut self, shard: &str) {
        self.shards.restart(shard);
    }

    /// Completes when the uploads so far have left host memory.
    ///
    /// # Errors
    /// The device was lost or ran out of memory.
    pub async fn settle(&self) -> Result<(), ModelError> {
        Ok(self.gpu.idle().await?)
    }

    /// The model, once every shard was finished.
    ///
    /// # Errors
    /// As [`Shards::finish`], or the device was lost.
    pub async fn finish(self) -> Result<Model, ModelError> {
        self.shards.finish()?;
        self.settle().await?;
        Ok(self.model)
    }
}
