//! Why a benchmark cannot be read or scored.

use std::io;
use std::path::{Path, PathBuf};

/// Why a benchmark cannot be read or scored.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A data set lacks a file.
    #[error("{} has no {names}; `af2 eval list` shows the files of each benchmark", dir.display())]
    Absent {
        /// The data set's folder.
        dir: PathBuf,
        /// The names looked for.
        names: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A file is not what the benchmark has there.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// No benchmark has this name.
    #[error("there is no benchmark `{0}`; `af2 eval list` shows all")]
    NoBenchmark(String),
    /// No template has this name.
    #[error("there is no template `{name}`; there are {known}, or name a JSON file of your own")]
    NoTemplate {
        /// The name given.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl EvalError {
    pub(crate) fn content(path: &Path, reason: impl ToString) -> Self {
        Self::Content { path: path.into(), reason: reason.to_string() }
    }

    pub(crate) fn read(path: &Path, error: io::Error) -> Self {
        Self::Read { path: path.into(), error }
    }
}
