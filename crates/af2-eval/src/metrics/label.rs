//! Classification by free text: the answer is the label, or contains it and no other.

use super::{text::folded_sentence, words::sequence};

/// Lower case, no white space at the ends, no final full stop, `_` as a space.
pub fn normal(text: &str) -> String {
    folded_sentence(&text.replace('_', " "))
}

/// Whether the prediction is the label and nothing else, after [`normal`].
pub fn exact(prediction: &str, label: &str) -> bool {
    normal(prediction) == normal(label)
}

/// Whether the prediction contains the label as whole words, and none of the other `labels`.
///
/// `labels` may include the label itself. A label that is a part of another ("dog", "dog bark") is no other label where that one is right.
pub fn contained(prediction: &str, label: &str, labels: &[impl AsRef<str>]) -> bool {
    let words = |text: &str| sequence(&normal(text));
    let (said, right) = (words(prediction), words(label));
    let other = |label: &str| {
        let other = words(label);
        contains(&said, &other) && !contains(&right, &other)
    };
    contains(&said, &right) && !labels.iter().any(|label| other(label.as_ref()))
}

/// Whether `part`, not empty, stands in `words` in one run.
fn contains(words: &[String], part: &[String]) -> bool {
    !part.is_empty() && words.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [&str; 5] = ["dog_bark", "dog", "hiphop", "rock", "Car Horn"];

    #[test]
    fn exact_after_folding() {
        assert!(exact(" Dog Bark. ", "dog_bark") && exact("car_horn", "Car Horn"));
        assert!(!exact("a dog bark", "dog_bark") && !exact("rocks", "rock"));
    }

    #[test]
    fn contained_as_whole_words_and_alone() {
        assert!(contained("This is a dog bark.", "dog_bark", &LABELS));
        assert!(contained("the genre is Rock", "rock", &LABELS));
        assert!(contained("rock", "rock", &LABELS));
        assert!(!contained("rocks", "rock", &LABELS), "not a whole word");
        assert!(!contained("rock or hiphop", "rock", &LABELS), "two labels");
        assert!(!contained("dog bark", "dog", &LABELS), "the longer label is meant");
        assert!(!contained("bark of a dog", "dog_bark", &LABELS), "not in one run");
        assert!(!contained("", "", &LABELS) && !contained("...", "...", &LABELS));
    }
}
