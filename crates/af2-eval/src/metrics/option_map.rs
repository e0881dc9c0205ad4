//! Maps an answer to the option it means: `(b) a man`, `b)`, `B.` and `b` all mean the second one.
//!
//! The models answer with letter and text, benchmarks compare texts. Scored unmapped, a right answer is lost where its letter is a word
//! of another option: `a` is also the article.

use super::text::{folded, folded_sentence};

/// The option whose letter begins the prediction: `(x)`, `x)`, `x.` or nothing but `x`, in either case.
///
/// `None` if there is no letter, or none of these `options`. A prediction that is itself the text of an option has no letter: the option
/// "A" of a list of chords is meant by its name, wherever it stands.
pub fn letter(prediction: &str, options: &[impl AsRef<str>]) -> Option<usize> {
    if named(&folded(prediction), options).is_some() {
        return None;
    }
    let (letter, _) = leading_letter(prediction);
    letter.filter(|&index| index < options.len())
}

/// The option that the prediction means: by its [`letter`], or else by its text (in either case, with or without a final full stop).
pub fn index(prediction: &str, options: &[impl AsRef<str>]) -> Option<usize> {
    letter(prediction, options)
        .or_else(|| named(&folded(prediction), options))
        .or_else(|| options.iter().position(|option| folded_sentence(option.as_ref()) == folded_sentence(prediction)))
}

/// The text to score: that of the option whose [`letter`] begins the prediction, or else the prediction itself.
pub fn mapped_text<'a>(prediction: &'a str, options: &'a [impl AsRef<str>]) -> &'a str {
    letter(prediction, options).map_or(prediction, |index| options[index].as_ref())
}

/// The letter that begins a text, counted from `a` = 0, and what follows it. Without a letter: the whole text.
pub(super) fn leading_letter(text: &str) -> (Option<usize>, &str) {
    let trimmed = text.trim();
    let (inner, open) = trimmed.strip_prefix('(').map_or((trimmed, false), |inner| (inner, true));
    let mut chars = inner.chars();
    let Some(letter) = chars.next().filter(char::is_ascii_alphabetic) else { return (None, trimmed) };
    let rest = chars.as_str();
    let after = match rest.chars().next() {
        Some(')') => &rest[1..],
        Some('.') if !open && rest[1..].chars().next().is_none_or(char::is_whitespace) => &rest[1..],
        None if !open => rest,
        _ => return (None, trimmed),
    };
    (Some(usize::from(letter.to_ascii_lowercase() as u8 - b'a')), after.trim())
}

fn named(folded_text: &str, options: &[impl AsRef<str>]) -> Option<usize> {
    options.iter().position(|option| folded(option.as_ref()) == folded_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [&str; 4] = ["Man", "a dog", "Woman.", "rain"];

    #[test]
    fn letters_of_every_form() {
        for prediction in ["(b) a dog", "(B)", "b)", "B) woman", "b. a dog", "b.", "b", " B ", "(b)a dog", "\n(b) x"] {
            assert_eq!(letter(prediction, &OPTIONS), Some(1), "{prediction}");
            assert_eq!(mapped_text(prediction, &OPTIONS), "a dog", "{prediction}");
        }
    }

    #[test]
    fn texts_without_a_letter_stay() {
        for prediction in
            ["a dog", "b dog", "(b", "(b.) x", "b.b. king", "(e) x", "e", "é", "", "(", "((b))", "b: x", "(bb)"]
        {
            assert_eq!(letter(prediction, &OPTIONS), None, "{prediction}");
            assert_eq!(mapped_text(prediction, &OPTIONS), prediction);
        }
    }

    #[test]
    fn texts_mean_their_option() {
        for (prediction, expected) in [("A DOG.", Some(1)), (" woman ", Some(2)), ("man", Some(0)), ("a cat", None)] {
            assert_eq!(index(prediction, &OPTIONS), expected, "{prediction}");
        }
    }

    #[test]
    fn an_option_that_is_a_letter_is_meant_by_its_name() {
        let keys = ["C", "A", "D", "G"];
        assert_eq!((letter("c", &keys), index("c", &keys)), (None, Some(0)));
        assert_eq!(mapped_text("d", &keys), "d");
        assert_eq!(index("(c) d", &keys), Some(2));
        assert_eq!(index("b", &keys), Some(1));
    }
}
