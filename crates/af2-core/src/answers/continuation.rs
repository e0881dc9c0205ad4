//! A text as the answer that a model would generate.

use crate::config::SpecialTokens;
use crate::text::{TextError, Tokenizer};

/// The ids of `text` as a whole answer: its tokens, then the two that the model was trained to write after every answer, end of chunk and
/// end of text. There is no blank before the first word: the answer begins right after `<SEP>`.
///
/// # Errors
/// What [`Tokenizer::encode`] reports.
pub fn continuation(tokenizer: &Tokenizer, tokens: &SpecialTokens, text: &str) -> Result<Vec<u32>, TextError> {
    let mut ids = tokenizer.encode(text)?;
    ids.extend([tokens.end_of_chunk, tokens.end_of_text]);
    Ok(ids)
}

/// The ids of an answer without the tokens that end it.
pub fn without_end<'a>(tokens: &SpecialTokens, ids: &'a [u32]) -> &'a [u32] {
    let ends = |id: &u32| *id == tokens.end_of_text || *id == tokens.end_of_chunk;
    let length = ids.iter().rposition(|id| !ends(id)).map_or(0, |last| last + 1);
    &ids[..length]
}
