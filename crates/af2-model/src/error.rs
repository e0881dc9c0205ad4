//! What can go wrong while a model is loaded or runs.

use af2_core::sampling::SamplingError;
use af2_core::text::TextError;
use af2_core::weights::index::IndexError;
use af2_core::weights::safetensors::HeaderError;
use af2_core::weights::verify::VerifyError;
use af2_gpu::GpuError;

/// An error of a model; every message names the thing and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The engine's.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The index is unusable.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A shard is not what the index says.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A shard's header is unusable.
    #[error("shard {shard}: {source}; download or convert the model again")]
    Header {
        /// File name of the shard.
        shard: String,
        /// What is wrong with it.
        source: HeaderError,
    },
    /// `config.json` is unusable.
    #[error("config.json: {0}; convert the model again")]
    Config(String),
    /// A tensor is missing or has the wrong size.
    #[error("tensor {tensor}: {problem}; convert the model again")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A shard name that the index does not list.
    #[error("the index lists no shard {0}")]
    UnknownShard(String),
    /// The tokenizer's.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Sampling settings outside their range, or logits without a finite value.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The caller stopped the work.
    #[error("stopped")]
    Cancelled,
    /// Another question is being answered.
    #[error("the model is answering another question; wait for its end or stop it")]
    Busy,
    /// The sound is not cut as the model expects.
    #[error(
        "windows of {found} samples at {found_rate} Hz were given, the model expects {expected} at {expected_rate} Hz"
    )]
    WrongWindows {
        /// Samples per window given.
        found: usize,
        /// Rate given.
        found_rate: u32,
        /// Samples per window expected.
        expected: usize,
        /// Rate expected.
        expected_rate: u32,
    },
    /// The prompt is empty or does not fit beside the answer.
    #[error("the prompt has {found} tokens; it must have 1 to {allowed}")]
    PromptLength {
        /// Tokens of the prompt.
        found: usize,
        /// Most tokens allowed.
        allowed: usize,
    },
}
