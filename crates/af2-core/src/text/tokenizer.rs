//! Byte-level BPE: text to ids and back, over Hugging Face `tokenizers`.

use std::sync::Arc;

use tokenizers::DecoderWrapper;

use super::{AUDIO, END_OF_CHUNK, PAD, SEPARATOR, TextError, tokenizer_file};
use crate::config::SpecialTokens;

/// A byte-level tokenizer read from `tokenizer.json`. Clones share the vocabulary.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// Truncation and padding stored in the file are ignored: how long a prompt may be is the entry point's business
    /// ([`super::prompt`]), and one question needs no padding.
    ///
    /// # Errors
    /// [`TextError::Unreadable`] for anything but a tokenizer, [`TextError::NotByteLevel`] for another family.
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        Self::from_inner(tokenizer_file::read(json)?)
    }

    /// Takes a tokenizer already in memory, if its decoder is byte-level.
    pub(super) fn from_inner(inner: tokenizers::Tokenizer) -> Result<Self, TextError> {
        match inner.get_decoder() {
            Some(DecoderWrapper::ByteLevel(_)) => Ok(Self { inner: Arc::new(inner) }),
            _ => Err(TextError::NotByteLevel),
        }
    }

    /// The ids of `text`. Added tokens written out in the text become their ids; nothing is put around it.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] when the splitting pattern gives up on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let encoding = self.inner.encode_fast(text, true).map_err(|error| refused(&error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `ids`; invalid UTF-8 becomes U+FFFD, ids without a token are skipped.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] when the library fails.
    pub fn decode(&self, ids: &[u32], keep_specials: bool) -> Result<String, TextError> {
        self.inner.decode(ids, !keep_specials).map_err(|error| refused(&error))
    }

    /// Number of tokens, added ones included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of a token written exactly so.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token of an id, in the vocabulary's spelling (byte-level letters, specials as they are).
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The ids with a role, given the text of the token that stops generation.
    ///
    /// # Errors
    /// [`TextError::MissingToken`] names the first one that is absent.
    pub fn special_tokens(&self, end_of_text: &str) -> Result<SpecialTokens, TextError> {
        let id = |token: &str| self.token_id(token).ok_or_else(|| TextError::MissingToken(token.into()));
        Ok(SpecialTokens {
            audio: id(AUDIO)?,
            end_of_chunk: id(END_OF_CHUNK)?,
            pad: id(PAD)?,
            separator: id(SEPARATOR)?,
            end_of_text: id(end_of_text)?,
        })
    }
}

fn refused(error: &dyn std::fmt::Display) -> TextError {
    TextError::Tokenizer(error.to_string())
}
