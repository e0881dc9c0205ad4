//! Reads `tokenizer.json`: only what Qwen's tokenizers are made of; anything else is refused by name.
//!
//! The `tokenizers` library never sees the file. Its own readers panic on parts without a type, trust lengths and
//! templates, and know parts that make prompts random or gigabytes long. Here every part is read into a structure of
//! this file, checked, and handed over as a value.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::TextError;
use super::added_token::AddedTokenEntry;
use super::vocabulary::{AtMost, Merge, Merges, Vocabulary, shown};
use super::word_split::{ByteLevelPart, Engine, PreTokenizerPart, WordSplit};
use crate::small_file;

const FILE: &str = "tokenizer.json";

/// Most bytes of `tokenizer.json`, `vocab.json` or `merges.txt`; Qwen2.5's `tokenizer.json` has 7 MB, or 11 MB with
/// merges as arrays.
const MAX_BYTES: usize = 32 << 20;

/// Most added tokens; Qwen2.5 has 22.
const MAX_ADDED: usize = 1 << 12;

/// The types of the parts. They are read before the parts, so that a foreign one is refused by its own name and not by
/// its first unknown field.
#[derive(Deserialize)]
struct Outline {
    normalizer: Option<Kind>,
    pre_tokenizer: Option<Kind>,
    post_processor: Option<Kind>,
    decoder: Option<Kind>,
    model: Kind,
}

#[derive(Deserialize)]
struct Kind {
    r#type: Option<String>,
}

/// The parts of `tokenizer.json` that decide ids and text. Truncation and padding are not used: the original leaves
/// the settings of its last call there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenizerFile {
    version: Option<String>,
    #[serde(rename = "truncation")]
    _truncation: Option<IgnoredAny>,
    #[serde(rename = "padding")]
    _padding: Option<IgnoredAny>,
    #[serde(default)]
    added_tokens: AtMost<AddedTokenEntry, MAX_ADDED>,
    normalizer: Option<NfcPart>,
    pre_tokenizer: PreTokenizerPart,
    post_processor: Option<ByteLevelPart>,
    decoder: ByteLevelPart,
    model: BpePart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NfcPart {
    #[serde(rename = "type")]
    _type: IgnoredAny,
}

/// The model part: byte-pair encoding.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BpePart {
    #[serde(rename = "type")]
    _type: Option<IgnoredAny>,
    dropout: Option<f64>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
    vocab: Vocabulary,
    merges: Merges,
}

/// Reads the bytes of a `tokenizer.json`.
pub(super) fn read(json: &[u8]) -> Result<Engine, TextError> {
    let outline: Outline = parse(FILE, json)?;
    outline.check()?;
    let file: TokenizerFile = parse(FILE, json)?;
    file.check()?;
    let TokenizerFile {
        added_tokens: AtMost(added), normalizer, pre_tokenizer, post_processor, decoder, model, ..
    } = file;
    let bpe = model.build([FILE; 2], &added)?;
    let words = pre_tokenizer.build().or_else(|what| foreign(format!("pre_tokenizer {what}")))?;
    let mut engine =
        assemble(bpe, normalizer.is_some(), words, post_processor.map(ByteLevelPart::build), decoder.build())?;
    add_tokens(&mut engine, added)?;
    Ok(engine)
}

/// What the Python library makes of `vocab.json` and `merges.txt` for the tokenizer class of Qwen2.
pub(super) fn read_pair(vocab: &[u8], merges: &[u8]) -> Result<Engine, TextError> {
    const MERGES: &str = "merges.txt";
    let model = BpePart {
        _type: None,
        dropout: None,
        unk_token: None,
        continuing_subword_prefix: Some(String::new()),
        end_of_word_suffix: Some(String::new()),
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: parse("vocab.json", vocab)?,
        merges: Merges::from_lines(body(MERGES, merges)?).map_err(|reason| unreadable(MERGES, &reason))?,
    };
    let byte_level = ByteLevel::new(false, false, false);
    let words = WordSplit::qwen2(byte_level).map_err(TextError::Tokenizer)?;
    assemble(model.build(["vocab.json", MERGES], &[])?, true, words, Some(byte_level), byte_level)
}

fn assemble(
    bpe: BPE,
    normalized: bool,
    words: WordSplit,
    post_processor: Option<ByteLevel>,
    decoder: ByteLevel,
) -> Result<Engine, TextError> {
    let mut engine = Engine::new(bpe);
    engine.with_normalizer(normalized.then_some(NFC)).map_err(|error| unreadable(FILE, &error))?;
    engine.with_pre_tokenizer(Some(words)).with_post_processor(post_processor).with_decoder(Some(decoder));
    Ok(engine)
}

/// Adds the file's added tokens in the order of their ids and checks that they get these ids.
fn add_tokens(engine: &mut Engine, mut added: Vec<AddedTokenEntry>) -> Result<(), TextError> {
    added.iter().try_for_each(|token| token.check(FILE))?;
    added.sort_by_key(|token| token.id);
    if added.windows(2).any(|pair| pair[0].id == pair[1].id) {
        return Err(unreadable(FILE, &"two added tokens have the same id, or none"));
    }
    engine.add_tokens(added.iter().map(AddedTokenEntry::to_added_token)).map_err(|error| unreadable(FILE, &error))?;
    match added.iter().find(|token| engine.token_to_id(&token.content) != token.id) {
        Some(AddedTokenEntry { id, content, .. }) => {
            let (id, content) = (id.map_or("null".into(), |id| id.to_string()), shown(content));
            Err(unreadable(FILE, &format!("added token `{content}` cannot have the id {id} after this vocabulary")))
        }
        None => Ok(()),
    }
}

impl Outline {
    fn check(&self) -> Result<(), TextError> {
        let model = self.model.r#type.as_ref().map(|_| &self.model);
        check_kind("normalizer", self.normalizer.as_ref(), &["NFC"], false)?;
        check_kind("pre_tokenizer", self.pre_tokenizer.as_ref(), &["Sequence", "ByteLevel"], true)?;
        check_kind("post_processor", self.post_processor.as_ref(), &["ByteLevel"], false)?;
        check_kind("decoder", self.decoder.as_ref(), &["ByteLevel"], true)?;
        check_kind("model", model, &["BPE"], false)
    }
}

fn check_kind(part: &str, kind: Option<&Kind>, accepted: &[&str], needed: bool) -> Result<(), TextError> {
    match kind.map(|kind| kind.r#type.as_deref().unwrap_or_default()) {
        Some(kind) if !accepted.contains(&kind) => foreign(format!("{part} `{}`", shown(kind))),
        None if needed => foreign(format!("{part} null")),
        _ => Ok(()),
    }
}

impl TokenizerFile {
    fn check(&self) -> Result<(), TextError> {
        match self.version.as_deref() {
            None | Some("1.0") => Ok(()),
            Some(other) => foreign(format!("version `{}`", shown(other))),
        }
    }
}

impl BpePart {
    /// Checks and builds; `files` are the names of the vocabulary's and the merges' file.
    fn build(self, files: [&'static str; 2], added: &[AddedTokenEntry]) -> Result<BPE, TextError> {
        self.check_settings()?;
        self.vocab.check().map_err(|reason| unreadable(files[0], &reason))?;
        let added = added.iter().map(|token| token.content.as_str());
        self.vocab.check_merges(&self.merges.0, added).map_err(|reason| unreadable(files[1], &reason))?;
        let merges = self.merges.0.into_iter().map(|Merge(left, right)| (left, right)).collect();
        // Without the library's cache: it belongs to the thread and outlives the tokenizer.
        let mut bpe = BPE::builder().cache_capacity(0).ignore_merges(self.ignore_merges);
        if let Some(prefix) = self.continuing_subword_prefix {
            bpe = bpe.continuing_subword_prefix(prefix);
        }
        if let Some(suffix) = self.end_of_word_suffix {
            bpe = bpe.end_of_word_suffix(suffix);
        }
        bpe.vocab_and_merges(self.vocab.0, merges).build().map_err(|error| unreadable(files[1], &error))
    }

    fn check_settings(&self) -> Result<(), TextError> {
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let settings = [
            ("dropout", self.dropout.is_some_and(|dropout| dropout != 0.0)),
            ("unk_token", self.unk_token.is_some()),
            ("continuing_subword_prefix", filled(&self.continuing_subword_prefix)),
            ("end_of_word_suffix", filled(&self.end_of_word_suffix)),
            ("fuse_unk", self.fuse_unk),
            ("byte_fallback", self.byte_fallback),
        ];
        match settings.into_iter().find(|(_, set)| *set) {
            Some((name, _)) => foreign(format!("model setting `{name}`")),
            None => Ok(()),
        }
    }
}

fn parse<T: DeserializeOwned>(file: &'static str, json: &[u8]) -> Result<T, TextError> {
    serde_json::from_slice(body(file, json)?).map_err(|error| unreadable(file, &error))
}

fn body<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], TextError> {
    small_file::body(bytes, MAX_BYTES).map_err(|error| unreadable(file, &error))
}

fn foreign<T>(what: String) -> Result<T, TextError> {
    Err(TextError::NotQwen { file: FILE, what })
}

/// An error whose reason may repeat a part of the file, and is cut for that.
pub(super) fn unreadable(file: &'static str, reason: &dyn fmt::Display) -> TextError {
    let reason = reason.to_string().chars().take(300).collect();
    TextError::Unreadable { file, reason }
}
