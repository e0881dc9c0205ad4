//! A request in OpenAI's format, checked. What this model cannot do is refused by name, never ignored.

mod audio;
mod messages;
mod parameters;

use af2_core::audio::LoadedAudio;
use serde_json::Value;

pub use audio::Fetch;
pub(crate) use audio::{AudioRules, AudioSource};
pub use parameters::Decoding;

use crate::error::ApiError;

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its text.
    pub text: String,
    /// How the answer is made.
    pub decoding: Decoding,
    /// Whether the client reads the answer as it is made.
    pub stream: bool,
}

impl Question {
    /// Whether it may be decoded together with others: nobody reads along, and every token is the most likely one.
    pub(crate) fn can_share(&self) -> bool {
        let decoding = &self.decoding;
        let plain = decoding.stop.is_empty() && decoding.schema.is_none();
        !self.stream && plain && decoding.sampling.is_greedy() && decoding.logprobs.unwrap_or(0) == 0
    }
}

/// Decoded audio.
pub struct Clip {
    /// SHA-256 of the file and of the rules that it was read by.
    pub digest: [u8; 32],
    /// What the encoder hears.
    pub audio: LoadedAudio,
}

/// A request, its audio not yet fetched or decoded.
#[derive(Debug)]
pub(crate) struct Request {
    pub question: Question,
    pub audio: AudioSource,
    /// `stream_options.include_usage`.
    pub include_usage: bool,
    /// What was passed over, for people.
    pub notices: Vec<String>,
}

impl Request {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// 400 with the first parameter that cannot be served.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let wrong = |what: String| ApiError::parameter("body", what);
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| wrong(format!("the body is no JSON: {error}; send an object with messages")))?;
        let Value::Object(object) = value else {
            return Err(wrong("the body is no JSON object; send one with messages".into()));
        };
        let parameters = parameters::read(&object)?;
        let messages::Asked { text, audio, notices } = messages::read(object)?;
        let question = Question { text, decoding: parameters.decoding, stream: parameters.stream };
        Ok(Self { question, audio, include_usage: parameters.include_usage, notices })
    }
}
