//! Where bytes go: files written one after the other.

use std::collections::BTreeMap;

use af2_core::weights::index::Shard;
use af2_core::weights::safetensors::{HeaderError, TensorSpec, write_header};
use af2_core::weights::verify::ShardHasher;
use serde::Serialize;

use crate::error::{ConvertError, StorageError};
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

    /// Makes all bytes written so far durable, and then replaces the checkpoint by `state`. Whenever the process ends, the sink
    /// must hold this state or the one before, and the bytes written until then. Sinks that cannot resume store nothing.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn checkpoint<'a>(&'a mut self, _state: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    /// The checkpoint that an interrupted conversion left.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn last_checkpoint(&mut self) -> LocalFuture<'_, Option<Vec<u8>>> {
        Box::pin(async { Ok(None) })
    }

    /// Opens an incomplete file again: cuts it to its first `bytes`, hands these to `seen` in order, and appends from there.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError); also if the file is shorter.
    fn reopen<'a>(&'a mut self, file: &'a str, _bytes: u64, _seen: &'a mut dyn FnMut(&[u8])) -> LocalFuture<'a, ()> {
        let reason = "files here cannot be appended to".to_owned();
        Box::pin(async move { Err(StorageError { action: "open", location: file.into(), reason, absent: false }) })
    }

    /// Tells that the checkpoint cannot be used, for `reason`, and the conversion starts from the beginning. The sink may remove
    /// what it holds.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError).
    fn restart<'a>(&'a mut self, _reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
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

    /// Continues a shard of which `hasher` has seen all bytes; the sink has reopened its file.
    pub fn resume(sink: &'s mut dyn Sink, hasher: ShardHasher) -> Self {
        Self { sink, hasher }
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.hasher.bytes()
    }

    /// Stores a state from which the conversion can be resumed.
    pub async fn checkpoint(&mut self, state: &[u8]) -> Result<(), ConvertError> {
        Ok(self.sink.checkpoint(state).await?)
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
