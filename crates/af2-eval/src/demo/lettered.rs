//! The options of a multiple choice that its text lists.

/// `(A) a dog` and so on from a question that lists `(a) a dog (b) …`.
pub fn lettered_options(question: &str) -> Option<Vec<String>> {
    let letters = ["(a)", "(b)", "(c)", "(d)"];
    let starts: Vec<usize> = letters.iter().map(|letter| question.find(letter)).collect::<Option<_>>()?;
    let ends = starts.iter().skip(1).copied().chain([question.len()]);
    let option = |((letter, start), end): ((&str, usize), usize)| {
        Some(format!("{} {}", letter.to_uppercase(), question.get(start + letter.len()..end)?.trim()))
    };
    letters.into_iter().zip(starts.iter().copied()).zip(ends).map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_lettered_question_on_one_line_or_several() {
        let wanted = ["(A) a bell", "(B) rain", "(C) an organ", "(D) an electric guitar"];
        for joint in [" ", "\n"] {
            let text = ["what is this sound?", "(a) a bell", "(b) rain", "(c) an organ", "(d) an electric guitar"];
            assert_eq!(lettered_options(&text.join(joint)).unwrap_or_default(), wanted);
        }
        assert_eq!(lettered_options("is there a dog?"), None);
        assert_eq!(lettered_options("(d) (c) (b) (a)"), None);
    }
}
