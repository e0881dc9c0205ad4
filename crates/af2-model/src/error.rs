//! What can go wrong while a model is loaded or runs.

use af2_core::engine::EngineError;
use af2_core::sampling::SamplingError;
use af2_gpu::GpuError;

/// An error of a model on a GPU; every message names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// What every engine refuses alike.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The device's.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// Another question is being answered.
    #[error("the model is answering another question; wait for its end or stop it")]
    Busy,
}

impl From<SamplingError> for ModelError {
    fn from(error: SamplingError) -> Self {
        Self::Engine(error.into())
    }
}
