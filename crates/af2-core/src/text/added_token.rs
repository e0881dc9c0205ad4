//! Added tokens: found in the text before it is cut in words; their ids follow the vocabulary's.

use serde::Deserialize;
use tokenizers::AddedToken;

use super::TextError;
use super::vocabulary::{MAX_TOKEN_BYTES, shown};

/// An added token as Hugging Face's files write it, with the library's defaults for absent flags.
#[derive(Debug, Deserialize)]
pub(super) struct AddedTokenEntry {
    /// Only in `tokenizer.json`; `tokenizer_config.json` has the id as key.
    pub(super) id: Option<u32>,
    pub(super) content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    normalized: Option<bool>,
    #[serde(default)]
    special: bool,
}

impl AddedTokenEntry {
    /// Checks the text, and refuses flags that change how the text around the token is read.
    pub(super) fn check(&self, file: &'static str) -> Result<(), TextError> {
        check_text(&self.content, file)?;
        let flags = [("single_word", self.single_word), ("lstrip", self.lstrip), ("rstrip", self.rstrip)];
        match flags.into_iter().find(|(_, set)| *set) {
            Some((flag, _)) => {
                Err(TextError::NotQwen { file, what: format!("`{flag}` of added token `{}`", shown(&self.content)) })
            }
            None => Ok(()),
        }
    }

    pub(super) fn to_added_token(&self) -> AddedToken {
        AddedToken::from(self.content.as_str(), self.special).normalized(self.normalized.unwrap_or(!self.special))
    }
}

/// Checks the text of an added token; the library would ignore an empty one in silence.
pub(super) fn check_text(text: &str, file: &'static str) -> Result<(), TextError> {
    let reason = match text.len() {
        0 => "an added token is empty".to_owned(),
        1..=MAX_TOKEN_BYTES => return Ok(()),
        _ => format!("added token `{}` has more than {MAX_TOKEN_BYTES} bytes", shown(text)),
    };
    Err(TextError::Unreadable { file, reason })
}
