//! Questions to be answered by yes or no, and the published scorer of CMM.

use af2_core::text::python_str::first_chars;

use super::{text::folded, words::sequence};

/// What the first word of a text says: `Some(true)` for yes, `Some(false)` for no, `None` for anything else.
pub fn answer(text: &str) -> Option<bool> {
    match sequence(text).first().map(String::as_str) {
        Some("yes") => Some(true),
        Some("no") => Some(false),
        _ => None,
    }
}

/// Whether prediction and reference say the same. A reference that says neither is met by nothing.
pub fn correct(prediction: &str, reference: &str) -> bool {
    answer(reference).is_some_and(|right| answer(prediction) == Some(right))
}

/// CMM's own rule: the reference stands anywhere in the first five characters of the prediction. "Noise" is a no, "it's no" is none.
pub fn cmm_correct(prediction: &str, reference: &str) -> bool {
    first_chars(&folded(prediction), 5).contains(&folded(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_decides() {
        for (text, expected) in [
            ("Yes.", Some(true)),
            (" no, there is none", Some(false)),
            ("\"yes\"", Some(true)),
            ("Noise", None),
            ("the answer is yes", None),
            ("", None),
        ] {
            assert_eq!(answer(text), expected, "{text}");
        }
        assert!(correct("yes, it is", "Yes") && !correct("no", "yes") && !correct("maybe", "maybe"));
    }

    #[test]
    fn cmm_reads_five_characters() {
        assert!(cmm_correct("Yes, it is", "yes") && cmm_correct("  noise", "no") && cmm_correct("it no", "No"));
        assert!(!cmm_correct("it's no", "no") && !cmm_correct("the answer is yes", "yes") && !cmm_correct("", "no"));
    }
}
