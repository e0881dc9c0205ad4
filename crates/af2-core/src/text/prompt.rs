//! The prompt of one question: `<audio>`, the question, `<SEP>`.

use super::python_str::{lower, strip};
use super::{AUDIO, SEPARATOR, TextError, Tokenizer};

/// Ids a prompt may have in the ordinary entry point.
pub const PROMPT_LIMIT: usize = 512;
/// New tokens the ordinary entry point allows.
pub const NEW_TOKEN_LIMIT: usize = 256;

/// The prompt's text: the question in lower case, then stripped, between its two markers.
///
/// There is no system prompt and no chat template. An empty question gives `<audio><SEP>`, as in the original.
pub fn prompt(question: &str) -> String {
    format!("{AUDIO}{}{SEPARATOR}", strip(&lower(question)))
}

/// A prompt as the network reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptIds {
    /// Token ids, at most the entry point's limit.
    pub ids: Vec<u32>,
    /// Ids before the cut.
    pub full_length: usize,
    /// Whether the cut took the `<SEP>` away: the model then cannot see where the question ends, and its answers
    /// suffer. The original does this silently; a caller should say so and suggest a shorter question.
    pub question_cut: bool,
}

impl PromptIds {
    /// Encodes a prompt's text and keeps the first `limit` ids.
    ///
    /// # Errors
    /// What [`Tokenizer::encode`] reports, and [`TextError::MissingToken`] for a tokenizer without `<SEP>`.
    pub fn encode(tokenizer: &Tokenizer, prompt: &str, limit: usize) -> Result<Self, TextError> {
        let separator = tokenizer.token_id(SEPARATOR).ok_or_else(|| TextError::MissingToken(SEPARATOR.into()))?;
        let mut ids = tokenizer.encode(prompt)?;
        let full_length = ids.len();
        let had_separator = ids.contains(&separator);
        ids.truncate(limit);
        let question_cut = had_separator && !ids.contains(&separator);
        Ok(Self { ids, full_length, question_cut })
    }
}
