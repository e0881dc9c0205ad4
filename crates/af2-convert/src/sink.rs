//! Where bytes go: files written one after the other.

use std::collections::BTreeMap;

use af2_core::weights::index::Shard;
use af2_core::weights::safetensors::{HeaderError, TensorSpec, write_header};
use af2_core::weights::verify::ShardHasher;
use serde::Serialize;

use crate::error::ConvertError;
use crate::source::LocalFuture;

/// A place for files; at most one is open at a time.
pub trait Sink {
    /// Opens a new file. Its name is a path with forward slashes.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn create<'a>(&'a mut self, file: &'a str) -> LocalFuture<'a, ()>;

    /// Appends bytes to the open file.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, ()>;

    /// Closes the open file, which is then complete.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn finish(&mut self) -> LocalFuture<'_, ()>;
}

/// Writes a whole file.
pub(crate) async fn write_file(sink: &mut dyn Sink, name: &str, bytes: &[u8]) -> Result<(), ConvertError> {
    sink.create(name).await?;
    sink.write(bytes).await?;
    Ok(sink.finish().await?)
}

/// A value as the indented JSON of the small files.
pub(crate) fn json(name: &'static str, value: &impl Serialize) -> Result<Vec<u8>, ConvertError> {
    serde_json::to_vec_pretty(value).map_err(|error| ConvertError::Json { name, reason: error.to_string() })
}

/// The first bytes of a safetensors file of these tensors, with the metadata that Hugging Face's tools expect.
pub(crate) fn header(tensors: &[TensorSpec]) -> Result<Vec<u8>, HeaderError> {
    write_header(tensors, &BTreeMap::from([("format".to_owned(), "pt".to_owned())]))
}

/// A shard being written: header, then the tensors in order.
pub(crate) struct ShardWriter<'s> {
    sink: &'s mut dyn Sink,
    hasher: ShardHasher,
}

impl<'s> ShardWriter<'s> {
    /// Opens the file and writes its header.
    pub async fn create(sink: &'s mut dyn Sink, name: &str, tensors: &[TensorSpec]) -> Result<Self, ConvertError> {
        let header = header(tensors).map_err(|error| ConvertError::Header { location: name.into(), error })?;
        sink.create(name).await?;
        let mut writer = Self { sink, hasher: ShardHasher::new() };
        writer.write(&header).await?;
        Ok(writer)
    }

    /// Appends the next bytes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), ConvertError> {
        self.hasher.update(bytes);
        Ok(self.sink.write(bytes).await?)
    }

    /// Closes the file: its size and digest.
    pub async fn finish(self) -> Result<Shard, ConvertError> {
        self.sink.finish().await?;
        let (bytes, sha256) = self.hasher.finish();
        Ok(Shard { bytes, sha256 })
    }
}
