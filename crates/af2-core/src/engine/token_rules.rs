//! Rules that an answer's tokens must obey, such as "one of these texts".

use super::{EngineError, Stage};
use crate::sampling::{SamplingParams, next_token};

/// A set of token ids, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    words: Vec<u64>,
    vocabulary: usize,
}

impl TokenSet {
    /// The empty set of ids below `vocabulary`.
    pub fn new(vocabulary: usize) -> Self {
        Self { words: vec![0; vocabulary.div_ceil(64)], vocabulary }
    }

    /// Ids that the set may hold: those below this.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Adds an id; one beyond the vocabulary is ignored.
    pub fn insert(&mut self, id: u32) {
        if (id as usize) < self.vocabulary {
            self.words[id as usize / 64] |= 1 << (id % 64);
        }
    }

    /// Adds the ids of another set.
    pub fn extend(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, more)| *word |= more);
    }

    /// Whether it holds an id.
    pub fn contains(&self, id: u32) -> bool {
        self.words.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Removes all ids.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }
}

/// What may follow the tokens of an answer so far.
pub trait TokenRules {
    /// Adds to `allowed`, which is empty, every id that may be the next token. After a complete answer that is the end token.
    fn allow(&mut self, allowed: &mut TokenSet);

    /// Takes the token that was chosen from those allowed.
    fn accept(&mut self, id: u32);
}

/// Chooses tokens that rules allow.
pub struct Constraint<'r> {
    rules: &'r mut dyn TokenRules,
    allowed: TokenSet,
}

impl<'r> Constraint<'r> {
    /// For logits of `vocabulary` tokens.
    pub fn new(rules: &'r mut dyn TokenRules, vocabulary: usize) -> Self {
        Self { rules, allowed: TokenSet::new(vocabulary) }
    }

    /// The next token, as [`next_token`] chooses it when all others have the logit −∞; the rules have accepted it then.
    ///
    /// # Errors
    /// [`EngineError::NothingAllowed`] where the rules allow no token, [`EngineError::NotFinite`] for logits that cannot be ordered.
    pub fn next_token(
        &mut self,
        logits: &[f32],
        history: &[u32],
        sampling: &SamplingParams,
        position: u32,
    ) -> Result<u32, EngineError> {
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(EngineError::NotFinite { stage: Stage::Logits });
        }
        self.allowed.clear();
        self.rules.allow(&mut self.allowed);
        if self.allowed.is_empty() {
            return Err(EngineError::NothingAllowed);
        }
        let masked =
            |(id, logit): (usize, &f32)| if self.allowed.contains(id as u32) { *logit } else { f32::NEG_INFINITY };
        let mut masked: Vec<f32> = logits.iter().enumerate().map(masked).collect();
        let id = next_token(&mut masked, history, sampling, position)?;
        self.rules.accept(id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allows each of its ids in turn.
    struct Script(Vec<u32>);

    impl TokenRules for Script {
        fn allow(&mut self, allowed: &mut TokenSet) {
            self.0.first().into_iter().for_each(|id| allowed.insert(*id));
        }

        fn accept(&mut self, id: u32) {
            assert_eq!(self.0.remove(0), id);
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = TokenSet::new(130);
        [0, 63, 64, 129, 130, 4000].into_iter().for_each(|id| set.insert(id));
        let held: Vec<u32> = (0..5000).filter(|id| set.contains(*id)).collect();
        assert_eq!(held, [0, 63, 64, 129]);
        let mut other = TokenSet::new(130);
        assert!(other.is_empty());
        other.extend(&set);
        assert_eq!(other, set);
        set.clear();
        assert!(set.is_empty() && !set.contains(64));
    }

    #[test]
    fn only_allowed_tokens_are_chosen() {
        let mut script = Script(vec![2, 0]);
        let mut constraint = Constraint::new(&mut script, 3);
        let mut next = |logits: &[f32]| constraint.next_token(logits, &[], &SamplingParams::greedy(), 0);
        assert_eq!(next(&[1.0, 5.0, -4.0]).unwrap(), 2);
        assert!(matches!(next(&[1.0, f32::NAN, 0.0]), Err(EngineError::NotFinite { .. })));
        assert_eq!(next(&[1.0, 5.0, -4.0]).unwrap(), 0);
        assert!(matches!(next(&[1.0, 5.0, -4.0]), Err(EngineError::NothingAllowed)));
    }
}
