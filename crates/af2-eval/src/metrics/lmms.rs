//! Rules of lmms-eval, for figures beside those that it makes. They differ from the benchmarks' own.

use af2_core::text::python_str::lower;

use super::text::folded;

/// Its rule for MMAU knows four letters, whatever the number of options.
const LETTERS: [char; 4] = ['A', 'B', 'C', 'D'];

/// A letter of a response, `A` = 0 to `D` = 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// Found in the response.
    Found(usize),
    /// None was found, so one was drawn at random. The share of these belongs in the report.
    Drawn(usize),
}

impl Letter {
    /// The option, which may lie beyond those there are.
    pub fn index(self) -> usize {
        match self {
            Self::Found(index) | Self::Drawn(index) => index,
        }
    }
}

/// The letter by lmms-eval's rule for MMAU: `(A)` anywhere, else `A` between spaces, else `A.`; of several the last that stands between
/// spaces, or else the first in the alphabet.
///
/// lmms-eval draws a letter where it finds none. Here `seed` and the item's `number` decide, so that a figure can be reproduced.
pub fn letter(response: &str, seed: u64, number: u64) -> Letter {
    // Each character once, in this order: a second comma behind a full stop stays.
    let stripped = [',', '.', '!', '?', ';', ':', '\''].iter().fold(response, |text, c| text.trim_matches(*c));
    let padded = format!(" {stripped} ");
    let having = |form: &dyn Fn(char) -> String| -> Vec<usize> {
        (0..LETTERS.len()).filter(|&index| padded.contains(&form(LETTERS[index]))).collect()
    };
    let spaced = |letter: char| format!(" {letter} ");
    let forms: [&dyn Fn(char) -> String; 3] =
        [&|letter| format!("({letter})"), &spaced, &|letter| format!("{letter}.")];
    let candidates = forms.into_iter().map(having).find(|found| !found.is_empty()).unwrap_or_default();
    let place = |index: usize| padded.rfind(&spaced(LETTERS[index]));
    // Of equals the first, as NumPy's `argmax`; `max_by_key` takes the last.
    match candidates.into_iter().rev().max_by_key(|&index| place(index)) {
        Some(index) => Letter::Found(index),
        None => Letter::Drawn(draw(seed, number)),
    }
}

/// Whether the option of `letter` is `answer`, in either case.
pub fn correct(letter: Letter, answer: &str, options: &[impl AsRef<str>]) -> bool {
    options.get(letter.index()).is_some_and(|option| folded(option.as_ref()) == folded(answer))
}

/// One of four, from SplitMix64's finaliser over both numbers.
fn draw(seed: u64, number: u64) -> usize {
    let mut bits = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 62) as usize
}

/// VocalSound's label by lmms-eval's rule: the first of its classes, in this order, that the response contains; `None` is wrong.
pub fn vocal_sound(response: &str) -> Option<&'static str> {
    const CLASSES: [(&str, &str); 6] = [
        ("laughter", "Laughter"),
        ("sniff", "Sniff"),
        ("throat", "Throat clearing"),
        ("cough", "Cough"),
        ("sigh", "Sigh"),
        ("sneeze", "Sneeze"),
    ];
    let response = lower(response);
    CLASSES.iter().find(|(part, _)| response.contains(part)).map(|(_, label)| *label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(response: &str) -> Option<usize> {
        match letter(response, 0, 0) {
            Letter::Found(index) => Some(index),
            Letter::Drawn(_) => None,
        }
    }

    #[test]
    fn forms_in_their_order() {
        for (response, expected) in [
            ("(B) man", Some(1)),
            ("The answer is C.", Some(2)),
            ("A.", Some(0)),
            ("B. a man", Some(1)),
            ("D", Some(3)),
            ("A (B)", Some(1)),
            ("(C) or (A)", Some(0)),
            ("(A) or B or (C) A", Some(0)),
            ("A or B", Some(1)),
            ("B or A", Some(0)),
            ("(b) man", None),
            ("E", None),
            ("", None),
        ] {
            assert_eq!(found(response), expected, "{response}");
        }
    }

    #[test]
    fn draws_are_reproduced_and_spread() {
        let mut counts = [0; 4];
        for number in 0..4000 {
            let drawn = letter("none", 7, number);
            assert_eq!(drawn, letter("other", 7, number));
            counts[drawn.index()] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert!((0..64).any(|number| letter("", 1, number) != letter("", 2, number)));
    }

    #[test]
    fn the_option_is_compared() {
        let options = ["Dog", "cat"];
        assert!(correct(Letter::Found(0), " dog", &options) && !correct(Letter::Drawn(1), "dog", &options));
        assert!(!correct(Letter::Found(3), "dog", &options));
    }

    #[test]
    fn first_class_in_the_list() {
        assert_eq!(vocal_sound("a cough and LAUGHTER"), Some("Laughter"));
        assert_eq!(vocal_sound("someone clears the throat"), Some("Throat clearing"));
        assert_eq!(vocal_sound("speech"), None);
    }
}
