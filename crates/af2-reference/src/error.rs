//! What can go wrong while a model is loaded or runs.

use af2_core::config::ConfigError;
use af2_core::sampling::SamplingError;
use af2_core::text::TextError;
use af2_core::weights::SchemeError;
use af2_core::weights::index::IndexError;
use af2_core::weights::safetensors::HeaderError;
use af2_core::weights::stored::StoredError;
use af2_core::weights::verify::VerifyError;

/// An error of the reference; every message names the thing and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// `config.json` is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration describes a network that the weights' names cannot hold.
    #[error("config.json: {0}; convert the model again")]
    Network(String),
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
    /// A tensor is not where or what it should be.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// A matrix cannot be unpacked.
    #[error("tensor {tensor}: {source}; convert the model again")]
    Scheme {
        /// Its name.
        tensor: String,
        /// What is wrong with it.
        source: SchemeError,
    },
    /// A shard name that the index does not list.
    #[error("the index lists no shard {0}")]
    UnknownShard(String),
    /// A shard grew beyond what the index announces.
    #[error(
        "shard {shard} is longer than the {bytes} bytes that the index announces; download or convert the model again"
    )]
    TooLong {
        /// File name of the shard.
        shard: String,
        /// Bytes it may have.
        bytes: u64,
    },
    /// The tokenizer's.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Sampling settings outside their range, or logits without a finite value.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The caller stopped the work.
    #[error("stopped")]
    Cancelled,
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
    /// A token that the vocabulary does not have.
    #[error("token {token} is beyond the vocabulary of {vocabulary} rows")]
    UnknownToken {
        /// Its id.
        token: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// The backend failed.
    #[error("the tensor library failed: {0}")]
    Backend(String),
}
