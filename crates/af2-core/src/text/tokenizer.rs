//! Byte-level BPE: text to ids and back, over Hugging Face's `tokenizers`.

use std::sync::Arc;

use super::byte_letters::token_bytes;
use super::word_split::Engine;
use super::{AUDIO, END_OF_CHUNK, PAD, SEPARATOR, TextError, tokenizer_file};
use crate::config::SpecialTokens;

/// Longest text that is encoded, in bytes. Prompts have at most 1024 ids, and after a million blanks in a row the
/// pattern engine would stop cutting words without an error.
const MAX_TEXT_BYTES: usize = 1 << 19;

/// A byte-level tokenizer read from `tokenizer.json`. Clones share the vocabulary.
#[derive(Clone)]
pub struct Tokenizer {
    engine: Arc<Engine>,
}

impl Tokenizer {
    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// Truncation and padding stored in the file are ignored: how long a prompt may be is the entry point's business
    /// ([`super::prompt`]), and one question needs no padding.
    ///
    /// # Errors
    /// [`TextError::Unreadable`] for anything but a tokenizer, [`TextError::NotQwen`] for parts of another family.
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        Ok(Self::from_engine(tokenizer_file::read(json)?))
    }

    pub(super) fn from_engine(engine: Engine) -> Self {
        Self { engine: Arc::new(engine) }
    }

    /// The ids of `text`. Added tokens written out in the text become their ids; nothing is put around it.
    ///
    /// # Errors
    /// [`TextError::TooLong`] for a text of more than 512 KiB.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(TextError::TooLong { bytes: text.len(), limit: MAX_TEXT_BYTES });
        }
        let encoding = self.engine.encode_fast(text, true).map_err(|error| refused(&error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `ids`; invalid UTF-8 becomes U+FFFD, ids without a token are skipped.
    ///
    /// # Errors
    /// [`TextError::Tokenizer`] when the library fails.
    pub fn decode(&self, ids: &[u32], keep_specials: bool) -> Result<String, TextError> {
        self.engine.decode(ids, !keep_specials).map_err(|error| refused(&error))
    }

    /// Number of tokens, added ones included.
    pub fn vocab_size(&self) -> usize {
        self.engine.get_vocab_size(true)
    }

    /// The id of a token written exactly so.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.engine.token_to_id(token)
    }

    /// The token of an id, in the vocabulary's spelling (byte-level letters, specials as they are).
    pub fn token(&self, id: u32) -> Option<String> {
        self.engine.id_to_token(id)
    }

    /// Ids of the vocabulary with the bytes of text that each stands for; added tokens, which stand for none, are left out.
    pub fn vocabulary(&self) -> Vec<(u32, Vec<u8>)> {
        let added = self.engine.get_added_vocabulary().get_added_tokens_decoder();
        let ids = (0..self.vocab_size() as u32).filter(|id| !added.contains_key(id));
        ids.filter_map(|id| Some((id, token_bytes(&self.token(id)?)))).collect()
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
