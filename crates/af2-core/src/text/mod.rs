//! From a question to token ids, and from token ids to an answer.
//!
//! ```text
//! question ── prompt ── tokenizer ── ids ── (the network) ── ids ── stream ── answer
//!                ▲                                                     │
//!                └──────────────── cot: the second pass ◄──────────────┘
//! ```
//!
//! The rules are those of the published Python scripts, so Python's notions of lower case, white space and slicing
//! are kept ([`python_str`]).

mod added_token;
pub mod answer;
pub mod base_tokenizer;
mod byte_letters;
pub mod cot;
pub mod marker;
pub mod prompt;
pub mod python_str;
pub mod stream;
pub mod tokenizer;
mod tokenizer_config;
mod tokenizer_file;
mod vocabulary;
mod word_split;

pub use answer::{AnswerDelta, AnswerStream};
pub use base_tokenizer::{BaseTokenizer, ExtendedTokenizer};
pub use prompt::PromptIds;
pub use stream::TextStream;
pub use tokenizer::Tokenizer;

/// The media marker at the start of every prompt.
pub const AUDIO: &str = "<audio>";
/// The end of an answer; it does not stop generation.
pub const END_OF_CHUNK: &str = "<|endofchunk|>";
/// Padding; never part of a prompt of one question.
pub const PAD: &str = "<|PAD_TOKEN|>";
/// Stands between question and answer.
pub const SEPARATOR: &str = "<SEP>";
/// What Qwen2.5 calls the token that stops generation, used where no configuration names it.
pub const END_OF_TEXT: &str = "<|endoftext|>";

/// What can be wrong with a tokenizer or with text given to it.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// A tokenizer file is not what its name promises.
    #[error("{file} cannot be read as a tokenizer file: {reason}; take it again from the base language model")]
    Unreadable {
        /// Name of the file.
        file: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// The base language model's directory lacks its tokenizer.
    #[error(
        "no tokenizer: the base language model needs tokenizer.json, or vocab.json, merges.txt and tokenizer_config.json"
    )]
    NoTokenizer,
    /// A tokenizer file has a part or a setting that Qwen's tokenizers do not have.
    #[error("{file}: {what} is not used by Qwen's tokenizers; take the {file} of the Qwen2.5 base model")]
    NotQwen {
        /// Name of the file.
        file: &'static str,
        /// The part or setting.
        what: String,
    },
    /// A token with a role is absent.
    #[error("the tokenizer has no token `{0}`; convert the model again from its release and base language model")]
    MissingToken(String),
    /// Two files disagree on the id of an added token.
    #[error(
        "tokenizer_config.json gives token `{token}` the id {declared}, but the vocabulary gives it {actual}; \
         the tokenizer files belong to different models"
    )]
    IdMismatch {
        /// The added token.
        token: String,
        /// Id in `tokenizer_config.json`.
        declared: u32,
        /// Id it has in the vocabulary.
        actual: u32,
    },
    /// The tokenizer library refused a text or ids.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(String),
    /// A text longer than any prompt.
    #[error("a text of {bytes} bytes is too long for a prompt; shorten it to at most {limit}")]
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// A stop string that would match everywhere.
    #[error("a stop string is empty; leave it out or give it at least one character")]
    EmptyStop,
}
