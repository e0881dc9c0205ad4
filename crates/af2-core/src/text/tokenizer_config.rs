//! `tokenizer_config.json` and `generation_config.json`: added tokens and the token that stops generation.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::AddedToken;

use super::TextError;
use super::added_token::{AddedTokenEntry, check_text};
use super::tokenizer_file::unreadable;
use crate::small_file;

const FILE: &str = "tokenizer_config.json";

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
    add_prefix_space: Option<bool>,
    split_special_tokens: Option<bool>,
}

/// A token by its text, or by an object that holds its text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TokenName {
    Text(String),
    Entry(AddedTokenEntry),
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
    /// Reads and checks the file.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, TextError> {
        let config: Self = parse(FILE, json)?;
        let flags =
            [("add_prefix_space", config.add_prefix_space), ("split_special_tokens", config.split_special_tokens)];
        if let Some((flag, _)) = flags.into_iter().find(|(_, set)| *set == Some(true)) {
            return Err(TextError::NotQwen { file: FILE, what: format!("`{flag}`") });
        }
        config.added_tokens_decoder.values().try_for_each(|entry| entry.check(FILE))?;
        config.names().try_for_each(TokenName::check)?;
        Ok(config)
    }

    /// Added tokens with the ids they must have, in the order of these ids.
    pub(super) fn added_tokens(&self) -> impl Iterator<Item = (u32, AddedToken)> {
        self.added_tokens_decoder.iter().map(|(&id, entry)| (id, entry.to_added_token()))
    }

    /// Tokens with a role in the order the Python library adds those that are missing.
    pub(super) fn named_tokens(&self) -> impl Iterator<Item = &str> {
        self.names().map(TokenName::text)
    }

    fn names(&self) -> impl Iterator<Item = &TokenName> {
        let roles =
            [&self.bos_token, &self.eos_token, &self.unk_token, &self.sep_token, &self.pad_token, &self.cls_token];
        let roles = roles.into_iter().chain([&self.mask_token]).flatten();
        roles.chain(self.additional_special_tokens.iter().flatten())
    }

    /// The token that stops generation.
    pub(super) fn end_of_text(&self) -> Option<&str> {
        self.eos_token.as_ref().map(TokenName::text)
    }
}

impl TokenName {
    fn check(&self) -> Result<(), TextError> {
        match self {
            Self::Text(text) => check_text(text, FILE),
            Self::Entry(entry) => entry.check(FILE),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Entry(entry) => &entry.content,
        }
    }
}

/// The (first) id that `generation_config.json` stops at.
pub(super) fn generation_eos(json: &[u8]) -> Result<Option<u32>, TextError> {
    let config: GenerationConfig = parse("generation_config.json", json)?;
    Ok(match config.eos_token_id {
        Some(IdOrIds::One(id)) => Some(id),
        Some(IdOrIds::Many(ids)) => ids.first().copied(),
        None => None,
    })
}

fn parse<T: DeserializeOwned>(file: &'static str, json: &[u8]) -> Result<T, TextError> {
    let json = small_file::body(json, small_file::CONFIG_LIMIT).map_err(|error| unreadable(file, &error))?;
    serde_json::from_slice(json).map_err(|error| unreadable(file, &error))
}
