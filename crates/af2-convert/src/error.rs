//! What can go wrong in a conversion, each as one line.

use af2_core::text::TextError;
use af2_core::weights::index::IndexError;
use af2_core::weights::safetensors::HeaderError;
use thiserror::Error;

use crate::layout::ReleaseError;

/// Why an object could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot {action} {location}: {reason}")]
pub struct StorageError {
    /// What was tried: open, read, write.
    pub action: &'static str,
    /// On what: a path or an address.
    pub location: String,
    /// The system's answer.
    pub reason: String,
    /// Whether the object does not exist, which is no error where it is optional.
    pub absent: bool,
}

/// Why a conversion failed.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// An object could not be read, or a file not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A configuration file larger than any real one.
    #[error("{location} has {bytes} bytes, more than the limit of {limit} for such a file")]
    TooLong {
        /// The file.
        location: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that is not a valid safetensors file.
    #[error("{location}: {error}")]
    Header {
        /// The file.
        location: String,
        /// What is wrong.
        error: HeaderError,
    },
    /// What Git leaves of a large file that was not fetched.
    #[error("{location} is a Git LFS pointer, not the weights; run `git lfs pull` there, or download the file itself")]
    LfsPointer {
        /// The file.
        location: String,
    },
    /// The base language model is neither given nor where the release says.
    #[error("no base language model: {location} does not exist; pass its directory with --lm")]
    NoLanguageModel {
        /// Where its configuration was looked for.
        location: String,
    },
    /// The index of a sharded language model is unusable.
    #[error("{location}: {reason}")]
    LanguageModelIndex {
        /// The index.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// The release's contents.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The base tokenizer.
    #[error("tokenizer of the language model: {0}")]
    Tokenizer(#[from] TextError),
    /// The index could not be written as JSON.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A small file could not be written as JSON.
    #[error("cannot write {name}: {reason}")]
    Json {
        /// The file.
        name: &'static str,
        /// Why.
        reason: String,
    },
}
