//! MuChoMusic's published scorer.

use af2_core::text::python_str::{lower, strip};

/// What its prompts end with, and what some models repeat.
const PREFIX: &str = "The correct answer is:";
const LETTERS: [char; 4] = ['A', 'B', 'C', 'D'];

/// The option that the prediction names, or `None`: unanswered, which counts as wrong and is reported.
///
/// Only what follows the last "The correct answer is:" is read. If it has exactly one of the characters `A` to `D`, anywhere, even in a
/// word ("Drums" is D), that is the option, and may lie beyond `options`. Otherwise it is the first option whose text is in it.
pub fn choice(prediction: &str, options: &[impl AsRef<str>]) -> Option<usize> {
    let answer = strip(prediction.rsplit(PREFIX).next().unwrap_or_default());
    let mut letters = (0..LETTERS.len()).filter(|&index| answer.contains(LETTERS[index]));
    match (letters.next(), letters.next()) {
        (Some(index), None) => Some(index),
        _ => {
            let answer = lower(answer);
            options.iter().position(|option| answer.contains(strip(&lower(option.as_ref()))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 4] = ["Piano", "Drums", "Bass guitar", "Guitar"];

    #[test]
    fn one_capital_letter_decides_even_inside_a_word() {
        assert_eq!(choice("(C) Bass guitar", &OPTIONS), Some(2), "C and B: the text decides");
        assert_eq!(choice("(B) piano", &OPTIONS), Some(1));
        assert_eq!(choice("Drums", &OPTIONS), Some(3));
        assert_eq!(choice("DD", &OPTIONS[..2]), Some(3));
    }

    #[test]
    fn texts_are_found_in_the_order_of_the_options() {
        assert_eq!(choice("(b) drums", &OPTIONS), Some(1), "a lower-case letter is not seen, its text is");
        assert_eq!(choice("a guitar, no, a bass guitar", &OPTIONS), Some(2));
        assert_eq!(choice("(b)", &OPTIONS), None);
        assert_eq!(choice("", &OPTIONS), None);
    }

    #[test]
    fn what_stands_before_the_prefix_is_dropped() {
        assert_eq!(choice("(A) The correct answer is: x The correct answer is: (B)", &OPTIONS), Some(1));
        assert_eq!(choice("drums. The correct answer is:", &OPTIONS), None);
    }
}
