//! The published scorer of AIR-Bench's foundation part: a capital letter at the front, or before the last character.

use af2_core::text::python_str::strip;

/// The letter of the response, `A` = 0 to `D` = 3: its first character or, as in "The answer is A.", the last but one.
///
/// `None`: the official scorer does not count the item at all, neither right nor wrong.
pub fn choice(response: &str) -> Option<usize> {
    let response = strip(response).replace('\n', "");
    if response == "None" {
        return None;
    }
    let letter = |c: char| ('A'..='D').position(|letter| letter == c);
    let mut from_end = response.chars().rev();
    response.chars().next().and_then(letter).or_else(|| from_end.nth(1).and_then(letter))
}

/// Whether the response names the choice that is `answer`, the text of one of them; `None` where it is not counted.
pub fn correct(response: &str, answer: &str, choices: &[impl AsRef<str>]) -> Option<bool> {
    let named = choice(response)?;
    Some(choices.iter().position(|text| text.as_ref() == answer) == Some(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_or_last_but_one_character() {
        for (response, expected) in [
            ("A", Some(0)),
            (" \nC. dog", Some(2)),
            ("The answer is B.", Some(1)),
            ("(D)", Some(3)),
            ("Dog", Some(3)),
            ("b", None),
            ("(b) dog", None),
            ("None", None),
            ("", None),
            ("x", None),
            ("The answer is A", None),
            ("it is B\n.", Some(1)),
        ] {
            assert_eq!(choice(response), expected, "{response:?}");
        }
    }

    #[test]
    fn uncounted_is_not_wrong() {
        let choices = ["dog", "cat"];
        assert_eq!(correct("A", "dog", &choices), Some(true));
        assert_eq!(correct("B", "dog", &choices), Some(false));
        assert_eq!(correct("D", "dog", &choices), Some(false));
        assert_eq!(correct("dog", "dog", &choices), None);
    }
}
