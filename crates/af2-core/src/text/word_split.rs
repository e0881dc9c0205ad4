//! How text is cut in words before merging: a pattern, then byte-level letters.

use serde::{Deserialize, Serialize};
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizedString, PreTokenizer, SplitDelimiterBehavior, TokenizerImpl};

use super::vocabulary::shown;

/// The library's tokenizer with no other parts than Qwen's: what it has for other families is not even compiled in.
pub(super) type Engine = TokenizerImpl<BPE, NFC, WordSplit, ByteLevel, ByteLevel>;

/// Qwen2's words. `vocab.json` and `merges.txt` do not tell it; the tokenizer class does.
const QWEN2_PATTERN: &str = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/// The two ways to cut; written as `tokenizer.json` has them.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WordSplit {
    /// GPT-2's pattern, which the byte-level step carries.
    Gpt2(ByteLevel),
    /// Qwen2's pattern, then the byte-level step without one.
    Qwen2(Steps),
}

/// Two steps, one after the other.
#[derive(Serialize)]
#[serde(tag = "type", rename = "Sequence")]
pub(super) struct Steps {
    pretokenizers: (Split, ByteLevel),
}

/// `pre_tokenizer` as the file has it: the fields of a sequence or those of a byte-level step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreTokenizerPart {
    r#type: String,
    pretokenizers: Option<Box<(SplitPart, ByteLevelPart)>>,
    add_prefix_space: Option<bool>,
    trim_offsets: Option<bool>,
    use_regex: Option<bool>,
}

/// A byte-level step, `post_processor` or decoder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByteLevelPart {
    #[serde(rename = "type")]
    _type: ByteLevelName,
    add_prefix_space: bool,
    trim_offsets: bool,
    use_regex: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitPart {
    #[serde(rename = "type")]
    _type: SplitName,
    pattern: Pattern,
    behavior: String,
    invert: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    #[serde(rename = "Regex")]
    regex: String,
}

#[derive(Deserialize)]
enum ByteLevelName {
    ByteLevel,
}

#[derive(Deserialize)]
enum SplitName {
    Split,
}

impl PreTokenizerPart {
    /// Checks and builds. An error says what is not Qwen's.
    pub(super) fn build(self) -> Result<WordSplit, String> {
        let Self { r#type, pretokenizers, add_prefix_space, trim_offsets, use_regex } = self;
        match (r#type.as_str(), pretokenizers.map(|steps| *steps), add_prefix_space, trim_offsets) {
            ("Sequence", Some((split, bytes)), None, None) if use_regex.is_none() => {
                split.check()?;
                let bytes = bytes.build();
                check_byte_level(&bytes, false)?;
                WordSplit::qwen2(bytes)
            }
            ("ByteLevel", None, Some(add_prefix_space), Some(trim_offsets)) => {
                let bytes = ByteLevel::new(add_prefix_space, trim_offsets, use_regex.unwrap_or(true));
                check_byte_level(&bytes, true)?;
                Ok(WordSplit::Gpt2(bytes))
            }
            (kind, ..) => Err(format!("`{}` with these fields", shown(kind))),
        }
    }
}

impl ByteLevelPart {
    pub(super) fn build(self) -> ByteLevel {
        ByteLevel::new(self.add_prefix_space, self.trim_offsets, self.use_regex.unwrap_or(true))
    }
}

impl SplitPart {
    /// Any other pattern would cut other words, and could take exponential time.
    fn check(&self) -> Result<(), String> {
        match (self.pattern.regex.as_str(), self.behavior.as_str(), self.invert) {
            (QWEN2_PATTERN, "Isolated", false) => Ok(()),
            (QWEN2_PATTERN, other, invert) => Err(format!("`Split` with behavior `{}`, invert {invert}", shown(other))),
            (other, ..) => Err(format!("`Split` with the pattern `{}`", shown(other))),
        }
    }
}

/// A blank in front would become part of every prompt, and words must be cut by exactly one pattern.
fn check_byte_level(bytes: &ByteLevel, cuts_words: bool) -> Result<(), String> {
    match bytes {
        ByteLevel { add_prefix_space: true, .. } => Err("`ByteLevel` with add_prefix_space true".into()),
        ByteLevel { use_regex, .. } if *use_regex != cuts_words => {
            Err(format!("`ByteLevel` with use_regex {use_regex} in this place"))
        }
        _ => Ok(()),
    }
}

impl WordSplit {
    /// Qwen2's way. An error is the pattern engine's.
    pub(super) fn qwen2(byte_level: ByteLevel) -> Result<Self, String> {
        let pattern = SplitPattern::Regex(QWEN2_PATTERN.to_owned());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(|error| error.to_string())?;
        Ok(Self::Qwen2(Steps { pretokenizers: (split, byte_level) }))
    }
}

impl PreTokenizer for WordSplit {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        match self {
            Self::Gpt2(byte_level) => byte_level.pre_tokenize(text),
            Self::Qwen2(Steps { pretokenizers: (split, byte_level) }) => {
                split.pre_tokenize(text)?;
                byte_level.pre_tokenize(text)
            }
        }
    }
}
