//! AF-Reasoning-Eval: the answer is the conclusion of a chain of thought.

use super::{option_map::leading_letter, text::folded_sentence};

const OPEN: &str = "<conclusion>";
const CLOSE: &str = "</conclusion>";

/// The text between the last `<CONCLUSION>` and its closing tag or the end. Without tags: the whole text. White space at the ends goes.
pub fn conclusion(prediction: &str) -> &str {
    // ASCII lower-casing keeps every offset.
    let lower = prediction.to_ascii_lowercase();
    let start = lower.rfind(OPEN).map_or(0, |at| at + OPEN.len());
    let end = lower[start..].find(CLOSE).map_or(prediction.len(), |at| start + at);
    prediction[start..end].trim()
}

/// Whether the conclusion has the letter of `reference`, such as `(B) restaurant`, or no letter and its text.
///
/// A letter is one at the front (see [`option_map::letter`](super::option_map::letter)), or the only one in parentheses. Texts are compared
/// in lower case, without a final full stop.
pub fn correct(prediction: &str, reference: &str) -> bool {
    let (right_letter, right_text) = leading_letter(reference);
    let said = conclusion(prediction);
    let (letter, text) = leading_letter(said);
    let same_text = folded_sentence(text) == folded_sentence(right_text);
    match (letter.or_else(|| parenthesised(said)), right_letter) {
        (Some(letter), Some(right)) => letter == right,
        _ => same_text && !text.is_empty(),
    }
}

/// The letter of `… (b) …`, if there is one and no other.
fn parenthesised(text: &str) -> Option<usize> {
    let found = text.match_indices('(').filter_map(|(at, _)| match &text.as_bytes()[at + 1..] {
        [letter, b')', ..] if letter.is_ascii_alphabetic() => Some(usize::from(letter.to_ascii_lowercase() - b'a')),
        _ => None,
    });
    let mut found = found;
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_conclusion_counts() {
        assert_eq!(conclusion("<SUMMARY>(a)</SUMMARY> <CONCLUSION> (B) dog. </CONCLUSION> x"), "(B) dog.");
        assert_eq!(conclusion("<conclusion>a</conclusion><Conclusion>b"), "b");
        assert_eq!(conclusion(" plain "), "plain");
        assert_eq!(conclusion("İ<CONCLUSION>é"), "é");
        assert_eq!(conclusion("</conclusion>"), "");
    }

    #[test]
    fn letter_or_text() {
        let reference = "(B) restaurant";
        for right in [
            "<CONCLUSION>(b) restaurant</CONCLUSION>",
            "b",
            "(B)",
            "Restaurant.",
            "(b) kitchen",
            "the answer is (b) restaurant",
            "a sound, (c)? <conclusion>It is (B), so (b).</conclusion>",
        ] {
            assert!(correct(right, reference), "{right}");
        }
        for wrong in
            ["(a) restaurant", "a restaurant", "(a) or (b)", "", "<conclusion></conclusion> (b)", "b restaurant"]
        {
            assert!(!correct(wrong, reference), "{wrong}");
        }
    }

    #[test]
    fn references_without_a_letter() {
        assert!(correct("<conclusion>Yes.</conclusion>", "yes") && !correct("no", "yes") && !correct("", ""));
        assert!(correct("(a) yes", "yes"));
    }
}
