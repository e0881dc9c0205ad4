//! MMAU's scorer, which MMAR and AudioBench use too: sets of words are compared.

use super::words::words;

/// Whether `prediction` has every word of `answer`, and no word that is in another option but not in the answer.
///
/// A prediction without words is wrong. An option with the same words as the answer counts as the answer.
pub fn correct(prediction: &str, answer: &str, options: &[impl AsRef<str>]) -> bool {
    let (said, right) = (words(prediction), words(answer));
    let betrays = |option: &str| words(option).iter().any(|word| !right.contains(word) && said.contains(word));
    !said.is_empty() && right.is_subset(&said) && !options.iter().any(|option| betrays(option.as_ref()))
}

/// Whether several options have the words of `answer`, so that the rule cannot tell them apart.
pub fn ambiguous(answer: &str, options: &[impl AsRef<str>]) -> bool {
    let right = words(answer);
    options.iter().filter(|option| words(option.as_ref()) == right).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 4] = ["Man speaking", "A dog", "Woman speaking", "Dog and man"];

    #[test]
    fn all_words_of_the_answer_and_none_of_the_others() {
        assert!(correct("man speaking", OPTIONS[0], &OPTIONS));
        assert!(correct("It is SPEAKING, a: no, the man", "Man speaking", &["Man speaking", "Woman speaking"]));
        assert!(!correct("man", OPTIONS[0], &OPTIONS));
        assert!(!correct("man and woman speaking", OPTIONS[0], &OPTIONS));
        assert!(!correct("", OPTIONS[0], &OPTIONS) && !correct("?", "!", &["!", "dog"]));
    }

    #[test]
    fn the_letter_is_also_an_article() {
        assert!(!correct("(A) man speaking", OPTIONS[0], &OPTIONS));
        assert!(correct("(B) man speaking", OPTIONS[0], &OPTIONS));
    }

    #[test]
    fn options_with_the_same_words_cannot_be_told_apart() {
        let options = ["man, dog", "Dog man", "cat"];
        assert!(correct("dog man", "man, dog", &options) && correct("man, dog", "Dog man", &options));
        assert!(ambiguous("man, dog", &options) && !ambiguous("cat", &options));
    }
}
