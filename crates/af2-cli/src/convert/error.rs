//! What can go wrong in a conversion, each as one line.

use std::io;
use std::path::{Path, PathBuf};

use af2_core::release::ReleaseError;
use af2_core::text::TextError;
use af2_core::weights::index::IndexError;
use af2_core::weights::safetensors::HeaderError;
use thiserror::Error;

/// Why a conversion failed.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// A file or directory could not be used.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// A configuration file larger than any real one.
    #[error("{} has {bytes} bytes, more than the limit of {limit} for such a file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that is no sound safetensors file.
    #[error("{}: {error}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: HeaderError,
    },
    /// A PyTorch file that could not be read.
    #[error("{}: {reason}", path.display())]
    Pytorch {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The target is taken.
    #[error("{} exists and is not empty; choose another directory or remove it", .0.display())]
    Exists(PathBuf),
    /// Neither `--lm` nor the directory the release names.
    #[error("no base language model: {} does not exist; pass its directory with --lm", .0.display())]
    NoLanguageModel(PathBuf),
    /// The index of a sharded language model is unusable.
    #[error("{}: {reason}", path.display())]
    LanguageModelIndex {
        /// The index.
        path: PathBuf,
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
}

impl ConvertError {
    /// For `map_err` on a file operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| ConvertError::Io { action, path, error }
    }
}
