//! What can go wrong around a conversion on disk.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use af2_convert::StorageError;
use thiserror::Error;

/// Why a conversion failed.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// The conversion itself.
    #[error(transparent)]
    Convert(#[from] af2_convert::ConvertError),
    /// A file or directory could not be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
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
    /// The disk is too small.
    #[error("{}: {needed} bytes are needed, but its disk has {free} free; choose a directory on another disk", path.display())]
    NoRoom {
        /// The target.
        path: PathBuf,
        /// Bytes to write.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// Another run writes the same target.
    #[error("another run is writing {}; wait for its end, or choose another directory", .0.display())]
    InUse(PathBuf),
}

/// For `map_err` on a file operation.
pub(crate) fn storage(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StorageError {
    let location = path.display().to_string();
    move |error| {
        let absent = error.kind() == ErrorKind::NotFound;
        StorageError { action, location, reason: error.to_string(), absent }
    }
}
