//! What both engines refuse, in the same words.

use thiserror::Error;

use crate::config::ConfigError;
use crate::sampling::SamplingError;
use crate::text::TextError;
use crate::weights::index::IndexError;
use crate::weights::safetensors::HeaderError;
use crate::weights::stored::StoredError;
use crate::weights::verify::VerifyError;

/// An error that does not depend on the engine. Every message names the thing and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// `config.json` is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The index is unusable.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The tokenizer is unusable, or refused a text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A tensor is not where or what the configuration asks for.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// A shard name that the index does not list.
    #[error("the index lists no shard `{0}`; push only the shards that it names")]
    UnknownShard(String),
    /// A shard's header is unusable.
    #[error("shard `{shard}`: {source}; download or convert the model again")]
    Header {
        /// File name of the shard.
        shard: String,
        /// What is wrong with it.
        source: HeaderError,
    },
    /// A shard has more bytes than the index announces.
    #[error(
        "shard `{shard}` is longer than the {bytes} bytes that the index announces; download or convert the model again"
    )]
    ShardTooLong {
        /// File name of the shard.
        shard: String,
        /// Bytes it may have.
        bytes: u64,
    },
    /// A shard's size or hash is not what the index announces.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The model was asked for before all its shards were verified.
    #[error("shard `{0}` was not read to its end; push all of its bytes and finish it before the model")]
    ShardUnfinished(String),
    /// The windows are not cut as the model expects.
    #[error(
        "windows of {found} samples at {found_rate} Hz were given, the model expects {expected} at {expected_rate} Hz"
    )]
    WrongWindows {
        /// Samples per window given.
        found: usize,
        /// Sample rate given, in Hz.
        found_rate: u32,
        /// Samples per window expected.
        expected: usize,
        /// Sample rate expected, in Hz.
        expected_rate: u32,
    },
    /// There is no window of audio.
    #[error("the audio has no window; give at least one")]
    NoWindows,
    /// The prompt is empty or does not fit beside the answer.
    #[error("the prompt has {found} tokens; it must have 1 to {allowed}")]
    PromptLength {
        /// Tokens of the prompt.
        found: usize,
        /// Most tokens allowed.
        allowed: usize,
    },
    /// A prompt token that the embedding has no row for.
    #[error(
        "prompt token {token} is beyond the vocabulary of {vocabulary} rows; encode the prompt with the model's own tokenizer"
    )]
    UnknownToken {
        /// Its id.
        token: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// A sampling parameter is out of range, or the logits have no finite value.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The caller stopped the work.
    #[error("stopped by the caller")]
    Cancelled,
}
