//! What can go wrong while a model is loaded or runs.

use af2_core::engine::EngineError;
use af2_core::sampling::SamplingError;
use af2_core::weights::SchemeError;
use af2_core::weights::stored::StoredError;

/// An error of a model in Burn; every message names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CpuError {
    /// What every engine refuses alike.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A matrix cannot be unpacked.
    #[error("tensor {tensor}: {source}; convert the model again")]
    Scheme {
        /// Its name.
        tensor: String,
        /// What is wrong with it.
        source: SchemeError,
    },
    /// The backend failed.
    #[error("the tensor library failed: {0}")]
    Backend(String),
}

impl From<SamplingError> for CpuError {
    fn from(error: SamplingError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<StoredError> for CpuError {
    fn from(error: StoredError) -> Self {
        Self::Engine(error.into())
    }
}
