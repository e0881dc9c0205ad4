//! The rule that an answer is one of several texts.

use std::collections::BTreeMap;

use super::continuation;
use crate::config::SpecialTokens;
use crate::engine::{TokenRules, TokenSet};
use crate::text::{TextError, Tokenizer};

/// Why texts are no choices.
#[derive(Debug, thiserror::Error)]
pub enum OneOfError {
    /// There is none.
    #[error("there is no text to choose; give at least one")]
    NoText,
    /// One has no characters.
    #[error("one of the texts to choose from is empty; leave it out")]
    EmptyText,
    /// One cannot be encoded.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// Allows the tokens of some texts, each encoded as the tokenizer does it, and the end after each. The texts form a trie; a position in it
/// stands for all texts that begin as the answer does.
#[derive(Debug, Clone)]
pub struct OneOf {
    nodes: Vec<BTreeMap<u32, usize>>,
    /// The node of the answer so far; none once it left the trie.
    at: Option<usize>,
    longest: usize,
}

impl OneOf {
    /// One of `texts`.
    ///
    /// # Errors
    /// [`OneOfError`].
    pub fn new(tokenizer: &Tokenizer, tokens: &SpecialTokens, texts: &[String]) -> Result<Self, OneOfError> {
        let mut trie = Self { nodes: vec![BTreeMap::new()], at: Some(0), longest: 0 };
        if texts.is_empty() {
            return Err(OneOfError::NoText);
        }
        for text in texts {
            if text.is_empty() {
                return Err(OneOfError::EmptyText);
            }
            trie.add(&continuation(tokenizer, tokens, text)?);
        }
        Ok(trie)
    }

    /// Tokens of the longest text, its end included.
    pub fn longest(&self) -> usize {
        self.longest
    }

    fn add(&mut self, ids: &[u32]) {
        let mut at = 0;
        for id in ids {
            let fresh = self.nodes.len();
            at = *self.nodes[at].entry(*id).or_insert(fresh);
            if at == fresh {
                self.nodes.push(BTreeMap::new());
            }
        }
        self.longest = self.longest.max(ids.len());
    }
}

impl TokenRules for OneOf {
    fn allow(&mut self, allowed: &mut TokenSet) {
        let node = self.at.map(|at| &self.nodes[at]);
        node.into_iter().flat_map(BTreeMap::keys).for_each(|id| allowed.insert(*id));
    }

    fn accept(&mut self, id: u32) {
        self.at = self.at.and_then(|at| self.nodes[at].get(&id).copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelConfig;

    #[test]
    fn every_text_and_nothing_else_can_be_spelt() {
        let tokenizer = Tokenizer::from_json(include_bytes!("../../../../weights/toy/tokenizer.json")).unwrap();
        let tokens = ModelConfig::parse(include_bytes!("../../../../weights/toy/config.json")).unwrap().tokens;
        let texts = ["a dog", "a dog barks", "rain"].map(str::to_owned);
        let rules = OneOf::new(&tokenizer, &tokens, &texts).unwrap();
        let mut found = Vec::new();
        let mut open = vec![(rules.clone(), Vec::new())];
        while let Some((mut rules, ids)) = open.pop() {
            let mut allowed = TokenSet::new(tokenizer.vocab_size());
            rules.allow(&mut allowed);
            if allowed.is_empty() {
                found.push(tokenizer.decode(&ids, false).unwrap());
                assert!(ids.ends_with(&[tokens.end_of_chunk, tokens.end_of_text]) && ids.len() <= rules.longest());
            }
            for id in (0..tokenizer.vocab_size() as u32).filter(|id| allowed.contains(*id)) {
                let mut next = rules.clone();
                next.accept(id);
                open.push((next, [&ids[..], &[id]].concat()));
            }
        }
        found.sort();
        assert_eq!(found, texts);
        let mut strayed = rules;
        strayed.accept(tokens.pad);
        let mut allowed = TokenSet::new(tokenizer.vocab_size());
        strayed.allow(&mut allowed);
        assert!(allowed.is_empty());
        assert!(OneOf::new(&tokenizer, &tokens, &[]).is_err());
        assert!(OneOf::new(&tokenizer, &tokens, &["".into()]).is_err());
    }
}
