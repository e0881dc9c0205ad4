//! Chain of thought: longer limits, and a second pass when the first did not reach its conclusion.

use super::answer::clean_answer;
use super::python_str::{before_last, first_chars, lower, strip};

/// Ids a prompt may have, in both passes.
pub const PROMPT_LIMIT: usize = 1024;
/// New tokens, in each pass.
pub const NEW_TOKEN_LIMIT: usize = 1024;

/// Characters of unfinished reasoning that the second pass starts from.
const KEPT_CHARS: usize = 512;
/// Upper case in the original, although the text around it is lower case.
const CONCLUDE: &str = "</REASONING>\n<CONCLUSION>";

/// The answer in a decoded output (prompt included): as for ordinary questions, then in lower case.
pub fn answer(decoded: &str, end_of_text: &str) -> String {
    lower(&clean_answer(decoded, end_of_text))
}

/// The second pass's prompt, if the first pass's answer needs one: it began `<reasoning>` and never closed
/// `</conclusion>`. `prompt` is the first pass's, with its `<SEP>`; there is no third pass.
pub fn next_prompt(prompt: &str, answer: &str) -> Option<String> {
    let unfinished = answer.contains("<reasoning>") && !answer.contains("</conclusion>");
    unfinished.then(|| format!("{prompt}{}{CONCLUDE}", kept_reasoning(answer)))
}

/// Closed reasoning is kept whole; open reasoning up to its last full stop.
fn kept_reasoning(answer: &str) -> &str {
    if let Some((closed, _)) = answer.split_once("</reasoning>") {
        return closed;
    }
    let cut = first_chars(answer, KEPT_CHARS);
    let at_limit = cut.chars().count() == KEPT_CHARS;
    before_last(if at_limit { strip(cut) } else { answer }, '.')
}
