//! Where bytes come from: named objects of known size, read in ranges.

use std::ops::Range;
use std::pin::Pin;

use crate::error::{ConvertError, StorageError};

/// Largest configuration or tokenizer file accepted.
const SMALL_FILE: u64 = 256 << 20;

/// A future of this thread. The futures of browsers cannot move to another.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + 'a>>;

/// A folder of objects: a directory, the prefix of a URL, files picked in a page.
///
/// Objects are named by their path in the folder, with forward slashes: `safe_ckpt/chunk_0.safetensors`.
pub trait Source {
    /// What messages call an object: its path or address.
    fn locate(&self, object: &str) -> String;

    /// Bytes of an object.
    ///
    /// # Errors
    /// [`StorageError`], with `absent` set where there is no such object.
    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64>;

    /// A range of an object's bytes, exactly as long as asked for.
    ///
    /// # Errors
    /// [`StorageError`].
    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>>;

    /// Tells that a range will be read, after those announced before. A conversion announces all its reads before the first, so
    /// that a source with a slow way to its bytes can fetch ahead. Other reads may come between.
    fn announce(&self, _object: &str, _bytes: Range<u64>) {}

    /// What identifies an object's bytes across runs, for resumption: path, repository and commit. By default its location.
    fn identity(&self, object: &str) -> String {
        self.locate(object)
    }
}

/// One object of a source.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    source: &'a dyn Source,
    name: String,
}

impl<'a> Object<'a> {
    pub fn new(source: &'a dyn Source, name: String) -> Self {
        Self { source, name }
    }

    pub fn location(&self) -> String {
        self.source.locate(&self.name)
    }

    /// Bytes of the object.
    pub async fn size(&self) -> Result<u64, StorageError> {
        self.source.size(&self.name).await
    }

    /// Whether there is such an object.
    pub async fn exists(&self) -> Result<bool, StorageError> {
        match self.size().await {
            Err(error) if error.absent => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// A range of the bytes. What a source returns is checked: some servers ignore the range asked for.
    pub async fn read(&self, bytes: Range<u64>) -> Result<Vec<u8>, StorageError> {
        let expected = bytes.end.saturating_sub(bytes.start);
        let found = self.source.read(&self.name, bytes).await?;
        if found.len() as u64 == expected {
            return Ok(found);
        }
        let reason = format!("{} bytes came where {expected} were asked for", found.len());
        Err(StorageError { action: "read", location: self.location(), reason, absent: false })
    }
}

/// The bytes of one tensor in an object.
#[derive(Clone)]
pub struct TensorBytes<'a> {
    object: Object<'a>,
    /// The tensor's first byte.
    begin: u64,
}

impl<'a> TensorBytes<'a> {
    pub(crate) fn new(object: Object<'a>, begin: u64) -> Self {
        Self { object, begin }
    }

    /// Tells the source that a range of the tensor's bytes will be read.
    pub(crate) fn announce(&self, bytes: Range<u64>) {
        self.object.source.announce(&self.object.name, self.begin + bytes.start..self.begin + bytes.end);
    }

    /// What identifies the tensor's bytes: those of the object, and where they begin.
    pub(crate) fn identity(&self) -> String {
        format!("{} from {}", self.object.source.identity(&self.object.name), self.begin)
    }

    /// A range of the tensor's bytes.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn read(&self, bytes: Range<u64>) -> Result<Vec<u8>, StorageError> {
        self.object.read(self.begin + bytes.start..self.begin + bytes.end).await
    }
}

/// A folder inside of a source.
pub(crate) struct Folder<'a> {
    source: &'a dyn Source,
    /// Empty, or a path with a slash at its end.
    prefix: String,
}

impl<'a> Folder<'a> {
    pub fn root(source: &'a dyn Source) -> Self {
        Self { source, prefix: String::new() }
    }

    pub fn inside(source: &'a dyn Source, path: &str) -> Self {
        Self { source, prefix: format!("{}/", path.trim_end_matches('/')) }
    }

    pub fn object(&self, name: &str) -> Object<'a> {
        Object::new(self.source, format!("{}{name}", self.prefix))
    }

    /// All bytes of a small object.
    pub async fn read(&self, name: &str) -> Result<Vec<u8>, ConvertError> {
        let object = self.object(name);
        let bytes = object.size().await?;
        if bytes > SMALL_FILE {
            return Err(ConvertError::TooLong { location: object.location(), bytes, limit: SMALL_FILE });
        }
        Ok(object.read(0..bytes).await?)
    }

    /// All bytes of a small object that need not exist.
    pub async fn read_if_present(&self, name: &str) -> Result<Option<Vec<u8>>, ConvertError> {
        match self.read(name).await {
            Err(ConvertError::Storage(error)) if error.absent => Ok(None),
            other => other.map(Some),
        }
    }
}
