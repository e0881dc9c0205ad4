//! One shard: header, tensors in order, size and digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use af2_core::weights::index::Shard;
use af2_core::weights::safetensors::{TensorSpec, write_header};
use af2_core::weights::verify::ShardHasher;

use super::error::ConvertError;

/// A shard being written.
pub struct ShardWriter {
    path: PathBuf,
    file: File,
    hasher: ShardHasher,
}

impl ShardWriter {
    /// Creates the file and writes its header.
    pub fn create(path: &Path, tensors: &[TensorSpec]) -> Result<ShardWriter, ConvertError> {
        let fault = |error| ConvertError::Header { path: path.into(), error };
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]); // what Hugging Face tools expect
        let header = write_header(tensors, &metadata).map_err(fault)?;
        let file = File::create(path).map_err(ConvertError::io("create", path))?;
        let mut writer = ShardWriter { path: path.into(), file, hasher: ShardHasher::new() };
        writer.write(&header)?;
        Ok(writer)
    }

    /// Appends the next bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ConvertError> {
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(ConvertError::io("write", &self.path))
    }

    /// Closes the file, on disk.
    pub fn finish(self) -> Result<Shard, ConvertError> {
        self.file.sync_all().map_err(ConvertError::io("write", &self.path))?;
        let (bytes, sha256) = self.hasher.finish();
        Ok(Shard { bytes, sha256 })
    }
}
