//! What answers are made of, and why there is none.

use af2_core::engine::FinishReason;

/// A finished answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Its text, without control tokens and what a stop string cut off.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Its tokens, the end token included.
    pub tokens: Vec<AnswerToken>,
    /// What of the audio or the question was passed over, missing or cut, one sentence each.
    pub notices: Vec<String>,
}

/// A token of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerToken {
    /// The token.
    pub token: Scored,
    /// The most likely tokens in its place, if asked for.
    pub top: Vec<Scored>,
}

/// A token that could stand in an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Its text; U+FFFD for a part of a character.
    pub text: String,
    /// log softmax of its logit, without temperature or rules.
    pub logprob: f32,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The request cannot be served by this model.
    #[error("{message}")]
    Refused {
        /// The parameter at fault.
        param: &'static str,
        /// What is wrong with it, and what to do.
        message: String,
    },
    /// The device was lost, several times in a row.
    #[error("the GPU was lost: {0}")]
    DeviceLost(String),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// A fault of this program or this device.
    #[error("{0}")]
    Internal(String),
}
