//! `tokenizer_config.json` and `generation_config.json`: added tokens and the token that stops generation.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokenizers::AddedToken;

use super::TextError;

/// The fields of `tokenizer_config.json` that change ids.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenizerConfig {
    /// Added tokens by id.
    #[serde(default)]
    added_tokens_decoder: BTreeMap<u32, AddedTokenEntry>,
    bos_token: Option<TokenName>,
    eos_token: Option<TokenName>,
    unk_token: Option<TokenName>,
    sep_token: Option<TokenName>,
    pad_token: Option<TokenName>,
    cls_token: Option<TokenName>,
    mask_token: Option<TokenName>,
    additional_special_tokens: Option<Vec<TokenName>>,
}

/// An entry of `added_tokens_decoder`, with Hugging Face's defaults for absent flags.
#[derive(Debug, Deserialize)]
pub(super) struct AddedTokenEntry {
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

/// A token by its text, or by an object that holds its text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TokenName {
    Text(String),
    Entry { content: String },
}

/// `eos_token_id` of `generation_config.json`.
#[derive(Debug, Deserialize)]
struct GenerationConfig {
    eos_token_id: Option<IdOrIds>,
}

/// One id, or several of which the first is the tokenizer's own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum IdOrIds {
    One(u32),
    Many(Vec<u32>),
}

impl TokenizerConfig {
    /// Reads the file.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, TextError> {
        serde_json::from_slice(json).map_err(|error| unreadable("tokenizer_config.json", &error))
    }

    /// Added tokens with the ids they must have, in the order of these ids.
    pub(super) fn added_tokens(&self) -> impl Iterator<Item = (u32, AddedToken)> {
        self.added_tokens_decoder.iter().map(|(&id, entry)| (id, entry.to_added_token()))
    }

    /// Tokens with a role in the order the Python library adds those that are missing.
    pub(super) fn named_tokens(&self) -> impl Iterator<Item = &str> {
        let roles =
            [&self.bos_token, &self.eos_token, &self.unk_token, &self.sep_token, &self.pad_token, &self.cls_token];
        let roles = roles.into_iter().chain([&self.mask_token]).flatten();
        roles.chain(self.additional_special_tokens.iter().flatten()).map(TokenName::text)
    }

    /// The token that stops generation.
    pub(super) fn end_of_text(&self) -> Option<&str> {
        self.eos_token.as_ref().map(TokenName::text)
    }
}

impl AddedTokenEntry {
    pub(super) fn to_added_token(&self) -> AddedToken {
        AddedToken::from(self.content.as_str(), self.special)
            .single_word(self.single_word)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .normalized(self.normalized.unwrap_or(!self.special))
    }
}

impl TokenName {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Entry { content: text } => text,
        }
    }
}

/// The (first) id that `generation_config.json` stops at.
pub(super) fn generation_eos(json: &[u8]) -> Result<Option<u32>, TextError> {
    let config: GenerationConfig =
        serde_json::from_slice(json).map_err(|error| unreadable("generation_config.json", &error))?;
    Ok(match config.eos_token_id {
        Some(IdOrIds::One(id)) => Some(id),
        Some(IdOrIds::Many(ids)) => ids.first().copied(),
        None => None,
    })
}

fn unreadable(file: &'static str, error: &serde_json::Error) -> TextError {
    TextError::Unreadable { file, reason: error.to_string() }
}
