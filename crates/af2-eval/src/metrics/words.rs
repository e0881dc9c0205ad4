//! Words of a text, as MMAU's published scorer finds them.

use std::collections::BTreeSet;

use af2_core::text::python_str::lower;

/// The set of maximal runs of letters, digits and underscores, lower-cased. Order and repetition do not count.
///
/// Python's `\w+` ends a word at combining vowel signs (Devanagari, Thai); here they belong to it.
pub fn words(text: &str) -> BTreeSet<String> {
    sequence(text).into_iter().collect()
}

/// The same words in the order of the text.
pub fn sequence(text: &str) -> Vec<String> {
    let lower = lower(text);
    lower.split(|c| !is_word(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn words_are_a_set_in_lower_case() {
        assert_eq!(words("(A) The man's man"), set(&["a", "the", "man", "s"]));
        assert_eq!(words("snake_case 3.5 km"), set(&["snake_case", "3", "5", "km"]));
        assert_eq!(words("Größe, 犬 ½"), set(&["größe", "犬", "½"]));
        assert_eq!(words("  ?!  "), set(&[]));
    }

    #[test]
    fn a_dotted_capital_i_falls_apart_as_in_python() {
        assert_eq!(sequence("İx ΣΑΣ"), ["i", "x", "σας"]);
    }
}
