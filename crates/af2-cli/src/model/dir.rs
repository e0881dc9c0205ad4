//! A converted model's directory, checked: its small files and the headers of its shards, against each other.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use af2_core::config::ModelConfig;
use af2_core::weights::index::{ModelIndex, Shard};
use af2_core::weights::safetensors::{Header, HeaderError, PREFIX_BYTES, header_bytes};
use af2_core::weights::stored::{StoredError, StoredTensor};
use af2_core::weights::tensor_table::{TensorUse, tensor_table};
use af2_core::weights::verify::ShardHasher;

use super::{ModelDirError, ModelFiles};

/// A model on disk, without its weights.
#[derive(Debug)]
pub struct ModelDir {
    /// `config.json`.
    pub config: ModelConfig,
    /// `model.safetensors.index.json`.
    pub index: ModelIndex,
    /// Every tensor of the model and where it is stored.
    pub tensors: Vec<(TensorUse, StoredTensor)>,
    files: ModelFiles,
}

impl ModelDir {
    /// Opens a model: reads everything but the weights, and checks sizes, headers, names, shapes, and the small files' digests.
    ///
    /// # Errors
    /// [`ModelDirError`], which names the file, shard or tensor at fault.
    pub fn open(dir: &Path) -> Result<Self, ModelDirError> {
        let files = ModelFiles::open(dir)?;
        let config = ModelConfig::parse(&files.config)?;
        let index = ModelIndex::parse(&files.index)?;
        let headers: BTreeMap<&str, Header> = index
            .shards
            .iter()
            .map(|(name, shard)| Ok((name.as_str(), header(&files, name, shard)?)))
            .collect::<Result<_, ModelDirError>>()?;
        let locate = |tensor: TensorUse| {
            let stored = StoredTensor::locate(&tensor, &index, |shard| headers.get(shard))?;
            Ok((tensor, stored))
        };
        let tensors = tensor_table(&config).into_iter().map(locate).collect::<Result<_, StoredError>>()?;
        drop(headers);
        files.verify_small()?;
        Ok(Self { config, index, tensors, files })
    }

    /// Reads all shards and compares their digests with the index.
    ///
    /// # Errors
    /// [`ModelDirError::Verify`] names the first shard that differs.
    pub fn verify(&self) -> Result<(), ModelDirError> {
        for (name, shard) in &self.index.shards {
            let mut hasher = ShardHasher::new();
            self.files.stream_shard(name, shard.bytes, |chunk| {
                hasher.update(chunk);
                Ok::<_, ModelDirError>(())
            })?;
            hasher.verify(name, shard.bytes, &shard.sha256)?;
        }
        Ok(())
    }
}

fn header(files: &ModelFiles, name: &str, shard: &Shard) -> Result<Header, ModelDirError> {
    let fault = |error| ModelDirError::Header { shard: name.into(), error };
    let mut file = files.open_shard(name, shard.bytes)?;
    if shard.bytes < PREFIX_BYTES {
        return Err(fault(HeaderError::Truncated { header: 0, file: shard.bytes }));
    }
    let mut read = |bytes: &mut [u8]| file.read_exact(bytes).map_err(|error| files.failure(name, error));
    let mut prefix = [0; PREFIX_BYTES as usize];
    read(&mut prefix)?;
    let mut json = vec![0; header_bytes(prefix, shard.bytes).map_err(fault)?];
    read(&mut json)?;
    Header::parse(&json, shard.bytes).map_err(fault)
}
