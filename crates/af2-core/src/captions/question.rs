//! What every window is asked, and what becomes of its answer.

use super::WindowAnswer;
use crate::answers::confidence;
use crate::config::SpecialTokens;
use crate::engine::{AnswerText, AudioView, Generation, Query};
use crate::text::prompt::{PROMPT_LIMIT, prompt};
use crate::text::{AnswerDelta, PromptIds, TextError, Tokenizer};

/// The question that the released models were trained to answer with a caption.
pub const CAPTION_QUESTION: &str = "Caption the input audio.";

/// A question that every window of a clip is asked by itself.
#[derive(Debug, Clone)]
pub struct CaptionQuestion {
    prompt: PromptIds,
}

impl CaptionQuestion {
    /// Encodes a question.
    ///
    /// # Errors
    /// As [`PromptIds::encode`].
    pub fn new(tokenizer: &Tokenizer, question: &str) -> Result<Self, TextError> {
        Ok(Self { prompt: PromptIds::encode(tokenizer, &prompt(question), PROMPT_LIMIT)? })
    }

    /// The question about window `index` of a clip, alone.
    pub fn query(&self, index: usize) -> Query {
        Query { prompt: self.prompt.ids.clone(), view: AudioView::window(index) }
    }
}

/// The answer about a window that lasts from `start` to `end`, in seconds of the audio.
///
/// # Errors
/// As [`AnswerText::new`].
pub fn window_answer(
    tokenizer: &Tokenizer,
    tokens: &SpecialTokens,
    generation: &Generation,
    (start, end): (f64, f64),
) -> Result<WindowAnswer, TextError> {
    let mut text = AnswerText::new(tokenizer, tokens, Vec::new(), |_: &AnswerDelta| true)?;
    for id in &generation.ids {
        text.push(*id);
    }
    let text = text.finish(generation.finish).text;
    let confidence = confidence(&generation.logprobs);
    Ok(WindowAnswer { start, end, text, confidence, silent: false, relevance: None })
}
