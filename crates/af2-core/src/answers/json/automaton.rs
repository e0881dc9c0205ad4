//! Patterns of bytes, and the automaton that follows them (Thompson 1968).

use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

/// Most states of an automaton: a string of at most 1000 characters takes 20,000.
const MOST_STATES: usize = 1 << 18;

/// A set of byte strings. Clones share their parts.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// These bytes.
    Literal(Rc<[u8]>),
    /// One byte of these ranges.
    Byte(Rc<[RangeInclusive<u8>]>),
    /// One after the other.
    Sequence(Rc<[Pattern]>),
    /// One of these.
    OneOf(Rc<[Pattern]>),
    /// At least so often, and at most so often.
    Repeat(Rc<Pattern>, usize, Option<usize>),
}

impl Pattern {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Literal(text.as_bytes().into())
    }

    /// One byte of some ranges.
    pub fn byte<const N: usize>(ranges: [RangeInclusive<u8>; N]) -> Self {
        Self::Byte(ranges.into())
    }

    /// Patterns in order.
    pub fn sequence<const N: usize>(parts: [Self; N]) -> Self {
        Self::Sequence(parts.into())
    }

    /// One of some patterns.
    pub fn one_of(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::OneOf(parts.into_iter().collect())
    }

    /// This, at least `least` and at most `most` times.
    pub fn repeated(self, least: usize, most: Option<usize>) -> Self {
        Self::Repeat(Rc::new(self), least, most)
    }

    /// This or nothing.
    pub fn optional(self) -> Self {
        self.repeated(0, Some(1))
    }
}

#[derive(Debug, Clone)]
enum State {
    /// To the next state with a byte of these ranges.
    Byte(Arc<[RangeInclusive<u8>]>, usize),
    /// To any of these states without a byte.
    Split(Vec<usize>),
    /// The pattern is complete.
    End,
}

/// An automaton; a set of its states stands for the bytes so far.
#[derive(Debug, Clone)]
pub(super) struct Automaton {
    states: Vec<State>,
    start: usize,
}

/// States that consume a byte or end the pattern, in order.
pub(super) type StateSet = Vec<usize>;

impl Automaton {
    /// Of a pattern; none if it has too many states.
    pub fn new(pattern: &Pattern) -> Option<Self> {
        let mut automaton = Self { states: vec![State::End], start: 0 };
        automaton.start = automaton.build(pattern, 0)?;
        Some(automaton)
    }

    /// Before the first byte.
    pub fn start(&self) -> StateSet {
        self.closure([self.start])
    }

    /// After one more byte; empty where no text of the pattern begins so.
    pub fn step(&self, set: &StateSet, byte: u8) -> StateSet {
        let next = set.iter().filter_map(|state| match &self.states[*state] {
            State::Byte(ranges, next) => ranges.iter().any(|range| range.contains(&byte)).then_some(*next),
            State::Split(_) | State::End => None,
        });
        self.closure(next)
    }

    /// Whether the bytes so far are a text of the pattern.
    pub fn is_complete(&self, set: &StateSet) -> bool {
        set.iter().any(|state| matches!(self.states[*state], State::End))
    }

    fn closure(&self, from: impl IntoIterator<Item = usize>) -> StateSet {
        let mut open: Vec<usize> = from.into_iter().collect();
        let (mut reached, mut set) = (std::collections::BTreeSet::new(), StateSet::new());
        while let Some(state) = open.pop() {
            if !reached.insert(state) {
                continue;
            }
            match &self.states[state] {
                State::Split(next) => open.extend(next),
                State::Byte(..) | State::End => set.push(state),
            }
        }
        set.sort_unstable();
        set
    }

    /// Adds the states of a pattern that is followed by state `next`, and returns its first.
    fn build(&mut self, pattern: &Pattern, next: usize) -> Option<usize> {
        match pattern {
            Pattern::Literal(bytes) => {
                bytes.iter().rev().try_fold(next, |next, byte| self.add(State::Byte([*byte..=*byte].into(), next)))
            }
            Pattern::Byte(ranges) => self.add(State::Byte(ranges[..].into(), next)),
            Pattern::Sequence(parts) => parts.iter().rev().try_fold(next, |next, part| self.build(part, next)),
            Pattern::OneOf(parts) => {
                let starts = parts.iter().map(|part| self.build(part, next)).collect::<Option<_>>()?;
                self.add(State::Split(starts))
            }
            Pattern::Repeat(part, least, most) => {
                let mut start = match most {
                    Some(most) => {
                        // Each of the optional ones may be the last.
                        let optional = |start, _| {
                            let once = self.build(part, start)?;
                            self.add(State::Split(vec![once, next]))
                        };
                        (*least..*most).try_fold(next, optional)?
                    }
                    None => self.repeat(part, next)?,
                };
                for _ in 0..*least {
                    start = self.build(part, start)?;
                }
                Some(start)
            }
        }
    }

    /// Any number of times.
    fn repeat(&mut self, part: &Pattern, next: usize) -> Option<usize> {
        let again = self.add(State::Split(Vec::new()))?;
        let once = self.build(part, again)?;
        self.states[again] = State::Split(vec![once, next]);
        Some(again)
    }

    fn add(&mut self, state: State) -> Option<usize> {
        let index = self.states.len();
        if index >= MOST_STATES {
            return None;
        }
        self.states.push(state);
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &Pattern, text: &str) -> bool {
        let automaton = Automaton::new(pattern).unwrap();
        let set = text.bytes().fold(automaton.start(), |set, byte| automaton.step(&set, byte));
        automaton.is_complete(&set)
    }

    #[test]
    fn patterns_match_their_texts() {
        let digits = |least, most| Pattern::byte([b'0'..=b'9']).repeated(least, most);
        let time = Pattern::sequence([digits(1, Some(2)), Pattern::text(":"), digits(2, Some(2))]);
        for (text, expected) in [("1:23", true), ("12:34", true), ("123:45", false), (":45", false), ("1:2", false)] {
            assert_eq!(matches(&time, text), expected, "{text}");
        }
        let either = Pattern::one_of([digits(0, None), Pattern::text("none").optional()]);
        for (text, expected) in [("", true), ("1234567", true), ("none", true), ("non", false), ("1n", false)] {
            assert_eq!(matches(&either, text), expected, "{text}");
        }
        // A part that may be empty, any number of times.
        assert!(matches(&either.repeated(2, None), "12none3"));
        assert!(Automaton::new(&digits(MOST_STATES, None)).is_none());
    }
}
