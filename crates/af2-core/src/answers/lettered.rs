//! Questions that list their options with letters: `(A) rain (B) speech`.

use crate::text::python_str::{lower, strip};

/// Options that letters can name.
pub(super) const LETTERS: usize = 26;

/// Stands between question and options, as in the prompts of the released models' benchmarks.
const INTRODUCTION: &str = "Choose the correct option from the following options:";

/// A question with its options in it, and the answers that name them.
pub(super) struct Lettered {
    pub question: String,
    /// `(A) …` for each option, in the order of the options.
    pub answers: Vec<String>,
}

impl Lettered {
    /// The question as it is, if it lists every option with a letter.
    pub fn listed(question: &str, options: &[String]) -> Option<Self> {
        let list = entries(&lower(question));
        let answer = |option: &String| {
            let option = bare(option);
            let (letter, _) = list.iter().find(|(_, text)| *text == lower(option))?;
            Some(named(*letter, option))
        };
        let answers = options.iter().map(answer).collect::<Option<_>>()?;
        Some(Self { question: question.to_owned(), answers })
    }

    /// The question with the options appended, one a line; there are at most [`LETTERS`].
    pub fn appended(question: &str, options: &[String]) -> Self {
        let options = ('A'..='Z').zip(options);
        let answers: Vec<String> = options.map(|(letter, option)| named(letter, bare(option))).collect();
        let question = format!("{} {INTRODUCTION}\n{}", strip(question), answers.join("\n"));
        Self { question, answers }
    }
}

fn named(letter: char, option: &str) -> String {
    format!("({}) {option}", letter.to_ascii_uppercase())
}

/// An option without a letter of its own.
fn bare(option: &str) -> &str {
    match markers(option).first() {
        Some((_, 0, end)) => strip(&option[*end..]),
        _ => strip(option),
    }
}

/// Letters and texts of the options that a text lists. A text ends where the next letter, or the line, does; punctuation that separates
/// it from the next does not belong to it.
fn entries(text: &str) -> Vec<(char, String)> {
    let markers = markers(text);
    let ends = markers.iter().skip(1).map(|(_, start, _)| *start).chain([text.len()]);
    let entry = |((letter, _, start), end): (&(char, usize, usize), usize)| {
        let line = text[*start..end].lines().next().unwrap_or_default();
        (*letter, strip(strip(line).trim_end_matches(['.', ',', ';'])).to_owned())
    };
    markers.iter().zip(ends).map(entry).collect()
}

/// Every `(x)` of a text: the letter, where it starts, where it ends.
fn markers(text: &str) -> Vec<(char, usize, usize)> {
    let found = text.match_indices('(').filter_map(|(start, _)| {
        let mut inside = text[start + 1..].chars();
        let letter = inside.next().filter(char::is_ascii_alphabetic)?;
        (inside.next() == Some(')')).then_some((letter, start, start + 3))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_listed_question_is_left_as_it_is() {
        for question in [
            "Which of these?\n(a) a car alarm\n(b) a car\n(c) rain",
            "Which of these? (A) a car alarm. (B) a car. (C) Rain.",
            "Which of these (and no other)? (A) a car alarm, (B) a car; (C) Rain",
        ] {
            let lettered = Lettered::listed(question, &options(&["Rain", "(x) a car", "a car alarm"])).unwrap();
            assert_eq!(lettered.question, question);
            assert_eq!(lettered.answers, ["(C) Rain", "(B) a car", "(A) a car alarm"]);
            assert!(Lettered::listed(question, &options(&["rain", "a dog"])).is_none());
        }
        assert!(Lettered::listed("Rain or a car?", &options(&["rain", "a car"])).is_none());
    }

    #[test]
    fn options_are_appended_in_the_wording_of_the_benchmarks() {
        let lettered = Lettered::appended("What is it? ", &options(&["(A) Car", "Truck"]));
        let expected = "What is it? Choose the correct option from the following options:\n(A) Car\n(B) Truck";
        assert_eq!(lettered.question, expected);
        assert_eq!(lettered.answers, ["(A) Car", "(B) Truck"]);
    }
}
