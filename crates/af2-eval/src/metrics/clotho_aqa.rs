//! Clotho-AQA: three people answered every question with one word; subsets by what they said.

use super::text::folded;

/// Which published figure a question counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset {
    /// A yes-or-no question whose answers agree.
    Unanimous,
    /// A yes-or-no question whose answers do not agree. In no published figure.
    Disputed,
    /// Not yes or no, and every answer is a number. Counts as non-binary too.
    Numerical,
    /// Every other question that is not yes or no.
    Word,
}

impl Subset {
    /// Whether the question is in the "non-binary" figure.
    pub fn is_non_binary(self) -> bool {
        matches!(self, Self::Numerical | Self::Word)
    }
}

/// The subset of a question, by the answers of all who answered it.
pub fn subset(answers: &[impl AsRef<str>]) -> Subset {
    let answers: Vec<String> = answers.iter().map(|answer| normal(answer.as_ref())).collect();
    let all = |is: fn(&str) -> bool| !answers.is_empty() && answers.iter().all(|answer| is(answer));
    match () {
        () if all(is_yes_or_no) && answers.iter().all(|answer| *answer == answers[0]) => Subset::Unanimous,
        () if all(is_yes_or_no) => Subset::Disputed,
        () if all(is_number) => Subset::Numerical,
        () => Subset::Word,
    }
}

/// Whether the prediction, without case and punctuation, is right: for yes or no what more than half answered, else what anyone answered.
pub fn correct(prediction: &str, answers: &[impl AsRef<str>]) -> bool {
    let said = normal(prediction);
    let agree = answers.iter().filter(|answer| normal(answer.as_ref()) == said).count();
    let needed = if subset(answers).is_non_binary() { 1 } else { answers.len() / 2 + 1 };
    !said.is_empty() && agree >= needed
}

/// In lower case, without ASCII punctuation.
fn normal(text: &str) -> String {
    folded(&text.replace(|c: char| c.is_ascii_punctuation(), ""))
}

fn is_yes_or_no(answer: &str) -> bool {
    matches!(answer, "yes" | "no")
}

fn is_number(answer: &str) -> bool {
    const NUMERALS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    NUMERALS.contains(&answer) || (!answer.is_empty() && answer.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_by_the_answers() {
        assert_eq!(subset(&["yes", "Yes", "yes."]), Subset::Unanimous);
        assert_eq!(subset(&["yes", "no", "yes"]), Subset::Disputed);
        assert_eq!(subset(&["two", "2", "Three"]), Subset::Numerical);
        assert_eq!(subset(&["dog", "two", "2"]), Subset::Word);
        assert_eq!(subset(&["yes", "no", "maybe"]), Subset::Word);
        assert_eq!(subset(&[] as &[&str]), Subset::Word);
        assert!(Subset::Numerical.is_non_binary() && !Subset::Disputed.is_non_binary());
    }

    #[test]
    fn majority_for_yes_or_no_and_anyone_else() {
        assert!(correct("Yes.", &["yes", "no", "yes"]) && !correct("no", &["yes", "no", "yes"]));
        assert!(correct("dog!", &["cat", "Dog", "bird"]) && !correct("a dog", &["cat", "dog", "bird"]));
        assert!(!correct("yes", &["yes", "no"]), "no majority");
        assert!(!correct("", &["", "x"]) && !correct("x", &[] as &[&str]));
    }
}
