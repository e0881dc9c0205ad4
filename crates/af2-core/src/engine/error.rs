//! What both engines refuse, in the same words.

use std::fmt;

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
    /// Encoder tokens of another shape.
    #[error(
        "{found} numbers were given as encoder tokens, and a window of this model has {per_window}; encode the audio again"
    )]
    WrongTokens {
        /// Numbers given.
        found: usize,
        /// Numbers per window.
        per_window: usize,
    },
    /// There is no window of audio.
    #[error("the audio has no window; give at least one")]
    NoWindows,
    /// More audio than fits.
    #[error("the audio has {found} windows of {seconds} s, and at most {most} are heard; give a shorter part of it")]
    TooManyWindows {
        /// Windows given.
        found: usize,
        /// Seconds of a window.
        seconds: f64,
        /// Most windows.
        most: usize,
    },
    /// A part of a clip that it has not.
    #[error("windows {} to {} were asked about, and the clip has {windows}", found.start, found.end)]
    NoSuchWindow {
        /// Windows asked about.
        found: std::ops::Range<usize>,
        /// Windows of the clip.
        windows: usize,
    },
    /// Nothing whose probability could be computed.
    #[error("there is no text to score; give at least one option, none of them empty")]
    NothingToScore,
    /// Options that several answers at once cannot have.
    #[error(
        "several answers at once are greedy, without a repetition penalty, alternatives or logits; ask one by one for these"
    )]
    NotTogether,
    /// More alternatives per token than are returned.
    #[error("{found} alternatives per token were asked for, and at most {most} are given")]
    TooManyAlternatives {
        /// Alternatives asked for.
        found: usize,
        /// Most alternatives.
        most: usize,
    },
    /// The rules of an answer rule out every token.
    #[error("the rules of this answer allow no token here; relax them")]
    NothingAllowed,
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
    /// A sampling parameter is out of range.
    #[error(transparent)]
    Sampling(SamplingError),
    /// The network computed a NaN or an infinity. No answer is given then, however plausible its text.
    #[error(
        "{stage} hold a NaN or an infinity: the weights are damaged (check them with `af2 inspect MODEL --verify`), or this device computes wrongly (check it with `af2 doctor`)"
    )]
    NotFinite {
        /// What was checked.
        stage: Stage,
    },
    /// The model's self-test gave other tokens.
    #[error(
        "the driver computes wrong numbers: the model's self-test gave the tokens {found:?} instead of {expected:?}; update the driver, choose another adapter, or let the CPU answer"
    )]
    WrongNumbers {
        /// The tokens of this device.
        found: Vec<u32>,
        /// The tokens in the model's index.
        expected: Vec<u32>,
    },
    /// The caller stopped the work.
    #[error("stopped by the caller")]
    Cancelled,
}

impl From<SamplingError> for EngineError {
    fn from(error: SamplingError) -> Self {
        match error {
            SamplingError::NotFinite => Self::NotFinite { stage: Stage::Logits },
            other => Self::Sampling(other),
        }
    }
}

/// Where the network's numbers are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The encoder's output, once per clip.
    EncoderTokens,
    /// Keys and values of every cross-attention block, once per clip.
    AudioKv,
    /// What the next token is chosen from.
    Logits,
    /// An intermediate of a trace, by name.
    Traced(String),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EncoderTokens => f.write_str("the encoder's tokens"),
            Self::AudioKv => f.write_str("the audio's keys and values"),
            Self::Logits => f.write_str("the logits"),
            Self::Traced(name) => write!(f, "the values of `{name}`"),
        }
    }
}
