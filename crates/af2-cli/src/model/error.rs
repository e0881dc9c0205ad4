//! Why a directory is no usable model.

use std::io;
use std::path::PathBuf;

use af2_core::config::ConfigError;
use af2_core::weights::index::IndexError;
use af2_core::weights::safetensors::HeaderError;
use af2_core::weights::stored::StoredError;
use af2_core::weights::verify::VerifyError;
use thiserror::Error;

/// Why a directory is no usable model.
#[derive(Debug, Error)]
pub enum ModelDirError {
    /// A file of the model is absent.
    #[error("{} has no {file}: it is no converted model, or an incomplete one; make one with `af2 convert`", dir.display())]
    NoFile {
        /// The directory.
        dir: PathBuf,
        /// The file.
        file: String,
    },
    /// The name of a model that is not there.
    #[error("there is no model `{name}` yet; fetch it with `af2 pull {name}`", name = .0.display())]
    NotPulled(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// The configuration is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The index is unusable.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A shard's header is unusable.
    #[error("shard `{shard}`: {error}")]
    Header {
        /// File name.
        shard: String,
        /// What is wrong.
        error: HeaderError,
    },
    /// A shard or a small file is not the one that was written.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A tensor is not where or what it should be.
    #[error(transparent)]
    Tensor(#[from] StoredError),
}
