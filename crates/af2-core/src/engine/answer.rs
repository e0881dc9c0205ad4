//! The text of an answer while its tokens come.

use super::FinishReason;
use crate::config::SpecialTokens;
use crate::text::{AnswerDelta, AnswerStream, TextError, Tokenizer};

/// The text of the token that ends generation, as [`crate::text::answer::clean_answer`] removes it.
pub fn end_of_text(tokenizer: &Tokenizer, tokens: &SpecialTokens) -> String {
    tokenizer.token(tokens.end_of_text).unwrap_or_default()
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its text: without control tokens, after the last restart, before a stop string.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
}

/// Turns ids into text and passes every delta to a sink as soon as later ids cannot change it.
pub struct AnswerText<S: FnMut(&AnswerDelta) -> bool> {
    stream: AnswerStream,
    sink: S,
    text: String,
    /// A stop string is complete.
    stopped: bool,
    /// The sink wants no more.
    closed: bool,
}

impl<S: FnMut(&AnswerDelta) -> bool> AnswerText<S> {
    /// An answer without tokens, which `stop_strings` will end. `sink` gets texts and restarts in order, then at most one stop; it
    /// returns false if it wants no more.
    ///
    /// # Errors
    /// [`TextError::EmptyStop`] for an empty stop string.
    pub fn new(
        tokenizer: &Tokenizer,
        tokens: &SpecialTokens,
        stop_strings: Vec<String>,
        sink: S,
    ) -> Result<Self, TextError> {
        let stream = AnswerStream::new(tokenizer, &end_of_text(tokenizer, tokens), stop_strings)?;
        Ok(Self { stream, sink, text: String::new(), stopped: false, closed: false })
    }

    /// Takes the next id; false once a stop string is complete or the sink wants no more.
    pub fn push(&mut self, id: u32) -> bool {
        let deltas = self.stream.push(id);
        self.take(&deltas);
        !self.stopped && !self.closed
    }

    /// Settles what is left when generation ended with `finish`. A stop string counts as [`FinishReason::Stop`], although the
    /// engine was told to stop by its caller.
    pub fn finish(mut self, finish: FinishReason) -> Answer {
        let deltas = self.stream.finish();
        self.take(&deltas);
        Answer { text: self.text, finish: if self.stopped { FinishReason::Stop } else { finish } }
    }

    fn take(&mut self, deltas: &[AnswerDelta]) {
        for delta in deltas {
            match delta {
                AnswerDelta::Text(text) => self.text.push_str(text),
                AnswerDelta::Restart => self.text.clear(),
                AnswerDelta::Stop(_) => self.stopped = true,
            }
            self.closed |= !(self.sink)(delta);
        }
    }
}
