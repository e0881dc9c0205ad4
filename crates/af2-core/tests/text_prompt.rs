//! Prompts and the second pass of chain of thought against the original.
#![allow(clippy::unwrap_used)]

mod toy_text;

use af2_core::text::{PromptIds, cot, prompt};
use toy_text::{cases, ids, tokenizer};

#[test]
fn every_question_gives_the_originals_prompt() {
    let tokenizer = tokenizer();
    for case in cases("prompts") {
        let text = prompt::prompt(case["question"].as_str().unwrap());
        assert_eq!(text, case["sample"]);
        let limit = if case["max_length"] == 1024 { cot::PROMPT_LIMIT } else { prompt::PROMPT_LIMIT };
        let encoded = PromptIds::encode(&tokenizer, &text, limit).unwrap();
        assert_eq!(encoded.ids, ids(&case["ids"]), "{text}");
        assert_eq!(encoded.question_cut, !case["ends_with_sep"].as_bool().unwrap(), "{text}");
        assert_eq!(encoded.full_length > encoded.ids.len(), encoded.question_cut);
    }
}

#[test]
fn the_separator_is_lost_exactly_past_the_limit() {
    let tokenizer = tokenizer();
    let text = prompt::prompt("what is this?");
    let whole = PromptIds::encode(&tokenizer, &text, 512).unwrap();
    let fits = PromptIds::encode(&tokenizer, &text, whole.full_length).unwrap();
    let cut = PromptIds::encode(&tokenizer, &text, whole.full_length - 1).unwrap();
    assert!(!fits.question_cut && cut.question_cut);
    assert_eq!(cut.ids, whole.ids[..whole.ids.len() - 1]);
    assert_eq!(cut.full_length, whole.full_length);
}

#[test]
fn white_space_is_pythons() {
    // Every character for which Python's str.isspace() holds.
    let spaces = "\t\n\u{b}\u{c}\r\u{1c}\u{1d}\u{1e}\u{1f} \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\
                  \u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    assert_eq!(prompt::prompt(&format!("{spaces}a b{spaces}")), "<audio>a b<SEP>");
    // Look-alikes for which it does not.
    assert_eq!(prompt::prompt("\u{200b}a\u{feff}\u{180e}"), "<audio>\u{200b}a\u{feff}\u{180e}<SEP>");
    assert_eq!(prompt::prompt(spaces), "<audio><SEP>");
}

#[test]
fn lower_case_is_pythons() {
    for (question, lower) in [("ΣΑΣ Σ.", "σας σ."), ("ΑΣ̈Α ΑΣ̈", "ασ̈α ας̈"), ("İI", "i̇i"), ("ǅ Ⅷ Ⓐ", "ǆ ⅷ ⓐ")]
    {
        assert_eq!(prompt::prompt(question), format!("<audio>{lower}<SEP>"));
    }
}

#[test]
fn chain_of_thought_asks_and_answers_as_the_original() {
    let tokenizer = tokenizer();
    for case in cases("cot") {
        let name = case["name"].as_str().unwrap();
        let generations = case["generations"].as_array().unwrap();
        let mut prompts = vec![prompt::prompt(case["question"].as_str().unwrap())];
        let mut answer = first_answer(&prompts[0], generations[0].as_str().unwrap());
        if let Some(second) = cot::next_prompt(&prompts[0], &answer) {
            answer = first_answer(&second, generations[1].as_str().unwrap());
            prompts.push(second);
        }
        assert_eq!(case["call_texts"], serde_json::json!(prompts), "{name}");
        assert_eq!(answer, case["answer"], "{name}");
        for (text, length) in prompts.iter().zip(case["call_lengths"].as_array().unwrap()) {
            assert_eq!(*length, PromptIds::encode(&tokenizer, text, cot::PROMPT_LIMIT).unwrap().ids.len(), "{name}");
        }
    }
}

/// The answer to a prompt, when the model generates this text.
fn first_answer(prompt: &str, generation: &str) -> String {
    cot::answer(&format!("{prompt}{generation}<|endofchunk|><|endoftext|>"), "<|endoftext|>")
}

#[test]
fn unfinished_reasoning_is_cut_in_characters() {
    let kept = |answer: &str| cot::next_prompt("", answer).map(|text| text.replace("</REASONING>\n<CONCLUSION>", "|"));
    assert_eq!(kept("no tags"), None);
    assert_eq!(kept("<reasoning>a</conclusion>"), None);
    assert_eq!(kept("<reasoning>ä.ö").unwrap(), "<reasoning>ä|");
    assert_eq!(kept("<reasoning>äö").unwrap(), "<reasoning>ä|");
    let long = format!("<reasoning>{}", "ß".repeat(600));
    assert_eq!(kept(&long).unwrap().chars().count(), 512 - 1 + 1);
    // The 512th character is a blank: it is stripped before the missing full stop takes one more.
    let blank = format!("<reasoning>{} {}", "ß".repeat(500), "x".repeat(50));
    assert_eq!(kept(&blank).unwrap(), format!("<reasoning>{}|", "ß".repeat(499)));
}
