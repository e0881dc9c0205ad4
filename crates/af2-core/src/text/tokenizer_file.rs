//! Reads `tokenizer.json` straight into the vocabulary.
//!
//! The library's own reader builds two generic copies of the model part before the vocabulary: with Qwen2.5's 151665
//! tokens that takes several times the time and twice the memory, which counts in a browser tab. It also trusts the
//! merges; here a merge that does not fit the vocabulary is an error.

use std::fmt;

use serde::Deserialize;
use serde::de::{Error, SeqAccess, Visitor};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, Tokenizer};

use super::TextError;
use super::tokenizer_config::AddedTokenEntry;

/// The parts of `tokenizer.json` that decide ids and text; truncation and padding are left out.
#[derive(Deserialize)]
struct TokenizerFile {
    #[serde(default)]
    added_tokens: Vec<IdentifiedToken>,
    normalizer: Option<NormalizerWrapper>,
    pre_tokenizer: Option<PreTokenizerWrapper>,
    post_processor: Option<PostProcessorWrapper>,
    decoder: Option<DecoderWrapper>,
    model: BpeFile,
}

#[derive(Deserialize)]
struct IdentifiedToken {
    id: u32,
    #[serde(flatten)]
    token: AddedTokenEntry,
}

/// The model part: byte pairs.
#[derive(Deserialize)]
struct BpeFile {
    r#type: Option<String>,
    dropout: Option<f32>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Vocab,
    merges: Vec<Merge>,
}

/// Two tokens that merge; written `"a b"` in older files, `["a", "b"]` in newer ones.
struct Merge(String, String);

/// Reads the bytes of a `tokenizer.json`.
pub(super) fn read(json: &[u8]) -> Result<Tokenizer, TextError> {
    let file: TokenizerFile = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    let mut tokenizer = Tokenizer::new(file.model.build()?);
    tokenizer.with_normalizer(file.normalizer).map_err(|error| unreadable(&error))?;
    tokenizer
        .with_pre_tokenizer(file.pre_tokenizer)
        .with_post_processor(file.post_processor)
        .with_decoder(file.decoder);
    add_tokens(&mut tokenizer, file.added_tokens)?;
    Ok(tokenizer)
}

/// Adds the file's added tokens in the order of their ids and checks that they get these ids.
fn add_tokens(tokenizer: &mut Tokenizer, mut added: Vec<IdentifiedToken>) -> Result<(), TextError> {
    added.sort_by_key(|token| token.id);
    tokenizer.add_tokens(added.iter().map(|added| added.token.to_added_token())).map_err(|error| unreadable(&error))?;
    let wrong = added.iter().find(|added| tokenizer.token_to_id(&added.token.content) != Some(added.id));
    match wrong {
        Some(IdentifiedToken { id, token }) => {
            Err(unreadable(&format!("added token `{}` cannot have the id {id} after this vocabulary", token.content)))
        }
        None => Ok(()),
    }
}

impl BpeFile {
    fn build(self) -> Result<BPE, TextError> {
        self.check()?;
        let merges = self.merges.into_iter().map(|Merge(left, right)| (left, right)).collect();
        let mut bpe = BPE::builder()
            .fuse_unk(self.fuse_unk)
            .byte_fallback(self.byte_fallback)
            .ignore_merges(self.ignore_merges)
            .vocab_and_merges(self.vocab, merges);
        if let Some(dropout) = self.dropout {
            bpe = bpe.dropout(dropout);
        }
        if let Some(token) = self.unk_token {
            bpe = bpe.unk_token(token);
        }
        if let Some(prefix) = self.continuing_subword_prefix {
            bpe = bpe.continuing_subword_prefix(prefix);
        }
        if let Some(suffix) = self.end_of_word_suffix {
            bpe = bpe.end_of_word_suffix(suffix);
        }
        bpe.build().map_err(|error| unreadable(&error))
    }

    /// The library copies merged tokens into a buffer of the longest token's size without looking.
    fn check(&self) -> Result<(), TextError> {
        if let Some(other) = self.r#type.as_deref().filter(|kind| *kind != "BPE") {
            return Err(unreadable(&format!("its model is {other}, not BPE")));
        }
        let prefix = self.continuing_subword_prefix.as_deref().map_or(0, str::len);
        let longest = self.vocab.keys().map(String::len).max().unwrap_or(0);
        let unfit = |Merge(left, right): &&Merge| right.len() < prefix || left.len() + right.len() - prefix > longest;
        match self.merges.iter().find(unfit) {
            Some(Merge(left, right)) => {
                Err(unreadable(&format!("merge `{left} {right}` gives a token that the vocabulary lacks")))
            }
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MergeVisitor)
    }
}

struct MergeVisitor;

impl<'de> Visitor<'de> for MergeVisitor {
    type Value = Merge;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a merge such as \"a b\" or [\"a\", \"b\"]")
    }

    fn visit_str<E: Error>(self, line: &str) -> Result<Merge, E> {
        let (left, right) = line.split_once(' ').ok_or_else(|| E::custom(format!("merge `{line}` has no blank")))?;
        Ok(Merge(left.to_owned(), right.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Merge, A::Error> {
        let mut side = || pair.next_element()?.ok_or_else(|| A::Error::custom("a merge has less than two tokens"));
        Ok(Merge(side()?, side()?))
    }
}

fn unreadable(error: &dyn fmt::Display) -> TextError {
    TextError::Unreadable { file: "tokenizer.json", reason: error.to_string() }
}
