//! The tokens that continue a JSON text.

use std::collections::HashMap;
use std::sync::Arc;

use super::automaton::{Automaton, StateSet};
use super::schema::{JsonSchema, SchemaError};
use crate::config::SpecialTokens;
use crate::engine::{TokenRules, TokenSet};
use crate::text::Tokenizer;

/// Sets that are remembered: the places of a schema's texts that come again, such as within a string.
const MOST_REMEMBERED: usize = 256;

/// Allows what continues a JSON text of a schema, and the end after a whole one.
#[derive(Debug)]
pub struct JsonRules {
    automaton: Arc<Automaton>,
    vocabulary: Arc<SortedVocabulary>,
    tokens: SpecialTokens,
    /// Where the answer so far has led; empty once it was no text of the schema.
    at: StateSet,
    /// The answer has its end of chunk.
    closed: bool,
    remembered: HashMap<StateSet, TokenSet>,
}

impl JsonRules {
    /// The rules of a schema. It takes time to sort the vocabulary; [`JsonRules::anew`] shares it.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn new(tokenizer: &Tokenizer, tokens: &SpecialTokens, schema: &JsonSchema) -> Result<Self, SchemaError> {
        let automaton = Arc::new(schema.automaton()?);
        let (at, vocabulary) = (automaton.start(), Arc::new(SortedVocabulary::new(tokenizer)));
        Ok(Self { automaton, vocabulary, tokens: tokens.clone(), at, closed: false, remembered: HashMap::new() })
    }

    /// The same before the first token, for another answer.
    pub fn anew(&self) -> Self {
        Self {
            automaton: self.automaton.clone(),
            vocabulary: self.vocabulary.clone(),
            tokens: self.tokens.clone(),
            at: self.automaton.start(),
            closed: false,
            remembered: HashMap::new(),
        }
    }
}

impl TokenRules for JsonRules {
    fn allow(&mut self, allowed: &mut TokenSet) {
        if self.closed {
            return allowed.insert(self.tokens.end_of_text);
        }
        if let Some(known) = self.remembered.get(&self.at) {
            return allowed.extend(known);
        }
        self.vocabulary.allow(&self.automaton, &self.at, allowed);
        if self.automaton.is_complete(&self.at) {
            allowed.insert(self.tokens.end_of_chunk);
            allowed.insert(self.tokens.end_of_text);
        }
        if self.remembered.len() < MOST_REMEMBERED {
            self.remembered.insert(self.at.clone(), allowed.clone());
        }
    }

    fn accept(&mut self, id: u32) {
        if id == self.tokens.end_of_chunk || id == self.tokens.end_of_text {
            self.closed = true;
            return;
        }
        let bytes = self.vocabulary.bytes(id);
        self.at = bytes.iter().fold(std::mem::take(&mut self.at), |set, byte| self.automaton.step(&set, *byte));
    }
}

/// A vocabulary, sorted by the tokens' bytes.
#[derive(Debug)]
struct SortedVocabulary {
    tokens: Vec<Token>,
    /// Place in `tokens` by id; none for added tokens.
    places: HashMap<u32, usize>,
}

#[derive(Debug)]
struct Token {
    id: u32,
    bytes: Vec<u8>,
    /// Bytes that it shares with the one before.
    shared: usize,
}

impl SortedVocabulary {
    fn new(tokenizer: &Tokenizer) -> Self {
        let mut sorted = tokenizer.vocabulary();
        sorted.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut tokens: Vec<Token> = Vec::with_capacity(sorted.len());
        for (id, bytes) in sorted {
            let shared =
                tokens.last().map_or(0, |last| last.bytes.iter().zip(&bytes).take_while(|(a, b)| a == b).count());
            tokens.push(Token { id, bytes, shared });
        }
        let places = tokens.iter().enumerate().map(|(place, token)| (token.id, place)).collect();
        Self { tokens, places }
    }

    fn bytes(&self, id: u32) -> &[u8] {
        self.places.get(&id).map_or(&[], |place| &self.tokens[*place].bytes)
    }

    /// Adds the tokens that the automaton can follow from `at`.
    fn allow(&self, automaton: &Automaton, at: &StateSet, allowed: &mut TokenSet) {
        // Where the first bytes of the token before have led, one set more than bytes; the last is empty where it was not followed.
        let mut path = vec![at.clone()];
        for token in &self.tokens {
            path.truncate(token.shared + 1);
            while path.len() <= token.bytes.len() && path.last().is_some_and(|set| !set.is_empty()) {
                let next = path.last().map(|set| automaton.step(set, token.bytes[path.len() - 1]));
                path.extend(next);
            }
            let followed = path.len() == token.bytes.len() + 1 && path.last().is_some_and(|set| !set.is_empty());
            if followed && !token.bytes.is_empty() {
                allowed.insert(token.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::config::ModelConfig;

    fn rules(schema: &str) -> (Tokenizer, JsonRules) {
        let tokenizer = Tokenizer::from_json(include_bytes!("../../../../../weights/toy/tokenizer.json")).unwrap();
        let tokens = ModelConfig::parse(include_bytes!("../../../../../weights/toy/config.json")).unwrap().tokens;
        let rules = JsonRules::new(&tokenizer, &tokens, &JsonSchema::parse(schema.as_bytes()).unwrap()).unwrap();
        (tokenizer, rules)
    }

    /// Answers of a model that chooses at random among what is allowed.
    fn answers(schema: &str, count: u32) -> Vec<Value> {
        let (tokenizer, first) = rules(schema);
        let answer = |seed: u32| {
            let (mut rules, mut ids, mut state) = (first.anew(), Vec::new(), seed);
            while !rules.closed {
                let mut allowed = TokenSet::new(tokenizer.vocab_size());
                rules.allow(&mut allowed);
                let mut choices: Vec<u32> =
                    (0..tokenizer.vocab_size() as u32).filter(|id| allowed.contains(*id)).collect();
                assert!(!choices.is_empty(), "{:?}", tokenizer.decode(&ids, true));
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let id = choices.swap_remove(state as usize / 7 % choices.len());
                rules.accept(id);
                ids.push(id);
            }
            let text = tokenizer.decode(&ids, false).unwrap();
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
        };
        (0..count).map(answer).collect()
    }

    #[test]
    fn whatever_is_chosen_is_json_of_the_schema() {
        let schema = r##"{"type": "object", "required": ["event", "sure"], "$defs": {"name": {"type": "string", "maxLength": 9}},
            "properties": {"event": {"$ref": "#/$defs/name"}, "sure": {"type": ["boolean", "null"]}, "count": {"type": "integer", "minimum": 0},
            "level": {"enum": ["low", 2, null]}, "times": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3}}}"##;
        for answer in answers(schema, 60) {
            let fields = answer.as_object().unwrap();
            assert!(fields["event"].as_str().unwrap().chars().count() <= 9, "{answer}");
            assert!(fields["sure"].is_boolean() || fields["sure"].is_null());
            assert!(fields.get("count").is_none_or(Value::is_u64), "{answer}");
            assert!(
                fields.get("level").is_none_or(|level| ["\"low\"", "2", "null"].contains(&level.to_string().as_str()))
            );
            let times = fields.get("times").map(|times| times.as_array().unwrap());
            assert!(times.is_none_or(|times| (1..=3).contains(&times.len()) && times.iter().all(Value::is_number)));
        }
    }

    #[test]
    fn the_end_comes_after_a_whole_text_only() {
        let (tokenizer, mut rules) = rules(r#"{"const": true}"#);
        let tokens = rules.tokens.clone();
        let mut seen = Vec::new();
        while !rules.closed {
            let mut allowed = TokenSet::new(tokenizer.vocab_size());
            rules.allow(&mut allowed);
            let whole = tokenizer.decode(&seen, false).unwrap() == "true";
            assert_eq!(allowed.contains(tokens.end_of_text), whole);
            assert_eq!(allowed.contains(tokens.end_of_chunk), whole);
            assert!(!allowed.contains(tokens.pad) && !allowed.contains(tokens.separator));
            let next = (0..tokenizer.vocab_size() as u32).find(|id| allowed.contains(*id)).unwrap();
            rules.accept(next);
            seen.push(next);
        }
        let mut after = TokenSet::new(tokenizer.vocab_size());
        rules.allow(&mut after);
        assert!(after.contains(tokens.end_of_text) && !after.contains(tokens.end_of_chunk));
    }
}
