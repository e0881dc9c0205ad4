//! The base language model's tokenizer, and the four tokens Audio Flamingo 2 appends to it.

use tokenizers::AddedToken;

use super::tokenizer_config::{TokenizerConfig, generation_eos};
use super::word_split::Engine;
use super::{AUDIO, END_OF_CHUNK, END_OF_TEXT, PAD, SEPARATOR, TextError, Tokenizer, tokenizer_file};
use crate::config::SpecialTokens;

/// The tokenizer files of a base language model's directory; absent files are `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct BaseTokenizer<'a> {
    /// `tokenizer.json`; the two files after it are read only without it.
    pub tokenizer_json: Option<&'a [u8]>,
    /// `vocab.json`: token → id.
    pub vocab_json: Option<&'a [u8]>,
    /// `merges.txt`: one merge a line, best first.
    pub merges_txt: Option<&'a [u8]>,
    /// `tokenizer_config.json`: added tokens and roles.
    pub tokenizer_config: Option<&'a [u8]>,
    /// `generation_config.json`: names the stop token where `tokenizer_config.json` does not.
    pub generation_config: Option<&'a [u8]>,
}

/// The base tokenizer with the four tokens of Audio Flamingo 2.
pub struct ExtendedTokenizer {
    /// The extended `tokenizer.json`.
    pub json: Vec<u8>,
    /// Ids with a role.
    pub tokens: SpecialTokens,
    /// The same tokenizer, ready for use.
    pub tokenizer: Tokenizer,
}

impl BaseTokenizer<'_> {
    /// Appends `<audio>`, `<|endofchunk|>`, `<|PAD_TOKEN|>` and `<SEP>`, in this order, as special tokens.
    ///
    /// Their ids start at the number of base tokens, added ones included; a token the base already has keeps its id.
    ///
    /// # Errors
    /// [`TextError`] when files are absent, unreadable, or of different models.
    pub fn extend(&self) -> Result<ExtendedTokenizer, TextError> {
        let config = self.tokenizer_config.map(TokenizerConfig::from_json).transpose()?.unwrap_or_default();
        let mut base = self.vocabulary()?;
        add_configured_tokens(&mut base, &config)?;
        add_specials(&mut base, [AUDIO, END_OF_CHUNK, PAD])?;
        add_specials(&mut base, [SEPARATOR])?;
        let end_of_text = self.end_of_text(&base, &config)?;
        let json = base.to_string(false).map_err(|error| refused(&error))?.into_bytes();
        let tokenizer = Tokenizer::from_engine(base);
        Ok(ExtendedTokenizer { json, tokens: tokenizer.special_tokens(&end_of_text)?, tokenizer })
    }

    /// The tokenizer as its files have it, before `tokenizer_config.json`.
    fn vocabulary(&self) -> Result<Engine, TextError> {
        match (self.tokenizer_json, self.vocab_json, self.merges_txt) {
            (Some(json), _, _) => tokenizer_file::read(json),
            (None, Some(vocab), Some(merges)) => tokenizer_file::read_pair(vocab, merges),
            _ => Err(TextError::NoTokenizer),
        }
    }

    /// The token that stops generation: `tokenizer_config.json`, else `generation_config.json`, else Qwen2.5's name.
    fn end_of_text(&self, base: &Engine, config: &TokenizerConfig) -> Result<String, TextError> {
        if let Some(token) = config.end_of_text() {
            return Ok(token.to_owned());
        }
        match self.generation_config.map(generation_eos).transpose()?.flatten() {
            Some(id) => base.id_to_token(id).ok_or_else(|| TextError::MissingToken(format!("with id {id}"))),
            None => Ok(END_OF_TEXT.to_owned()),
        }
    }
}

/// Adds what `tokenizer_config.json` knows and the vocabulary does not, and checks that both agree on ids.
fn add_configured_tokens(base: &mut Engine, config: &TokenizerConfig) -> Result<(), TextError> {
    base.add_tokens(config.added_tokens().map(|(_, token)| token)).map_err(|error| refused(&error))?;
    for (declared, token) in config.added_tokens() {
        let actual = base.token_to_id(&token.content).ok_or_else(|| TextError::MissingToken(token.content.clone()))?;
        if actual != declared {
            return Err(TextError::IdMismatch { token: token.content, declared, actual });
        }
    }
    let missing: Vec<&str> = config.named_tokens().filter(|token| base.token_to_id(token).is_none()).collect();
    add_specials(base, missing)
}

/// Adds special tokens; those already there keep their ids.
fn add_specials<'t>(base: &mut Engine, tokens: impl IntoIterator<Item = &'t str>) -> Result<(), TextError> {
    let tokens: Vec<AddedToken> = tokens.into_iter().map(|token| AddedToken::from(token, true)).collect();
    base.add_special_tokens(tokens).map(|_| ()).map_err(|error| refused(&error))
}

fn refused(error: &dyn std::fmt::Display) -> TextError {
    TextError::Tokenizer(error.to_string())
}
