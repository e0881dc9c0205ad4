//! The vocabulary and the merges of byte-pair encoding, checked against each other.
//!
//! A true vocabulary is closed: 256 letters, one for each byte, and one token for each merge. Whatever a damaged file
//! lacks would change prompts in silence: text without a token is dropped by the library, and a lost merge leaves
//! words in shorter tokens than the model was trained on.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use tokenizers::models::bpe::Vocab;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

/// Most tokens; Qwen2.5 has 151 643. Merges have the same limit.
pub(super) const MAX_TOKENS: usize = 1 << 18;

/// Longest token, in bytes; Qwen2.5's longest are 128 blanks, two bytes each.
pub(super) const MAX_TOKEN_BYTES: usize = 1 << 10;

/// Characters of a name from a file that an error repeats.
const SHOWN: usize = 40;

/// Token → id.
pub(super) struct Vocabulary(pub(super) Vocab);

/// Two tokens that merge; written `"a b"` in older files, `["a", "b"]` in newer ones.
pub(super) struct Merge(pub(super) String, pub(super) String);

/// A list of at most `MOST` values.
pub(super) struct AtMost<T, const MOST: usize>(pub(super) Vec<T>);

/// Merges, best first.
pub(super) type Merges = AtMost<Merge, MAX_TOKENS>;

impl Merges {
    /// Reads a `merges.txt`: one merge a line.
    pub(super) fn from_lines(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
        let heading = |n: usize, line: &str| n == 0 && line.starts_with("#version");
        let lines = text.lines().enumerate().filter(|(n, line)| !line.is_empty() && !heading(*n, line));
        let merges: Vec<Merge> =
            lines.map(|(_, line)| Merge::from_line(line)).take(MAX_TOKENS + 1).collect::<Result<_, _>>()?;
        if merges.len() > MAX_TOKENS { Err(format!("it has more than {MAX_TOKENS} merges")) } else { Ok(Self(merges)) }
    }
}

impl Merge {
    fn from_line(line: &str) -> Result<Self, String> {
        let (left, right) = line.split_once(' ').ok_or_else(|| format!("merge `{}` has no blank", shown(line)))?;
        Ok(Merge(left.to_owned(), right.to_owned()))
    }
}

impl Vocabulary {
    /// Checks that the ids are 0 to n − 1, each once, and that every byte has its letter.
    pub(super) fn check(&self) -> Result<(), String> {
        let mut taken = vec![false; self.0.len()];
        for (token, &id) in &self.0 {
            match taken.get_mut(id as usize) {
                Some(slot) if !*slot => *slot = true,
                Some(_) => return Err(format!("token `{}` has the id {id} of another token", shown(token))),
                None => {
                    return Err(format!("token `{}` has the id {id} in a vocabulary of {}", shown(token), taken.len()));
                }
            }
        }
        let lacking = ByteLevel::alphabet().into_iter().filter(|&letter| !self.has(letter)).min();
        lacking.map_or(Ok(()), |letter| Err(format!("the vocabulary lacks `{letter}`, the letter of a byte")))
    }

    fn has(&self, letter: char) -> bool {
        self.0.contains_key(letter.encode_utf8(&mut [0; 4]) as &str)
    }

    /// Checks that merges join tokens to tokens, each pair once, and that every token but the `added` ones is a letter
    /// or the result of a merge.
    pub(super) fn check_merges<'a>(
        &self,
        merges: &[Merge],
        added: impl Iterator<Item = &'a str>,
    ) -> Result<(), String> {
        let mut made = vec![false; self.0.len()];
        let mut pairs = Vec::with_capacity(merges.len());
        for merge in merges {
            let Merge(left, right) = merge;
            let joined = format!("{left}{right}");
            let [left, right, result] = [left, right, &joined].map(|token| self.0.get(token).copied());
            let (Some(left), Some(right), Some(result)) = (left, right, result) else {
                return Err(format!("merge `{merge}` needs a token that the vocabulary lacks"));
            };
            pairs.push((left, right));
            made[result as usize] = true;
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("a merge stands twice in it".into());
        }
        let letters = ByteLevel::alphabet().into_iter().map(String::from);
        for token in letters.chain(added.map(str::to_owned)) {
            self.0.get(&token).into_iter().for_each(|&id| made[id as usize] = true);
        }
        match self.0.iter().find(|&(_, &id)| !made[id as usize]) {
            Some((token, _)) => Err(format!("no merge makes token `{}`; merges are missing", shown(token))),
            None => Ok(()),
        }
    }
}

/// The start of a name from a file, for an error.
pub(super) fn shown(name: &str) -> &str {
    name.char_indices().nth(SHOWN).map_or(name, |(end, _)| &name[..end])
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", shown(&self.0), shown(&self.1))
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VocabularyVisitor)
    }
}

struct VocabularyVisitor;

impl<'de> Visitor<'de> for VocabularyVisitor {
    type Value = Vocabulary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tokens and their ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vocabulary, A::Error> {
        let mut vocabulary = Vocab::default();
        while let Some((token, id)) = entries.next_entry::<String, u32>()? {
            if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
                return Err(A::Error::custom(format!(
                    "token {id} has {} bytes, expected 1..={MAX_TOKEN_BYTES}",
                    token.len()
                )));
            }
            if vocabulary.len() == MAX_TOKENS {
                return Err(A::Error::custom(format!("the vocabulary has more than {MAX_TOKENS} tokens")));
            }
            if vocabulary.insert(token, id).is_some() {
                return Err(A::Error::custom(format!("the token with id {id} stands twice in the vocabulary")));
            }
        }
        Ok(Vocabulary(vocabulary))
    }
}

impl<'de> Deserialize<'de> for Merge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
        Merge::from_line(line).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Merge, A::Error> {
        let mut side = || pair.next_element()?.ok_or_else(|| A::Error::custom("a merge has less than two tokens"));
        Ok(Merge(side()?, side()?))
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(AtMostVisitor(std::marker::PhantomData))
    }
}

struct AtMostVisitor<T, const MOST: usize>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for AtMostVisitor<T, MOST> {
    type Value = AtMost<T, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST} entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = entries.next_element()? {
            if values.len() == MOST {
                return Err(A::Error::invalid_length(MOST + 1, &self));
            }
            values.push(value);
        }
        Ok(AtMost(values))
    }
}

impl<T, const MOST: usize> Default for AtMost<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}
