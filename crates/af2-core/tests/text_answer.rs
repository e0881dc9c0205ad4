//! The answer within the model's output, at once and in deltas.
#![allow(clippy::unwrap_used)]

mod toy_text;

use af2_core::engine::{AnswerText, FinishReason};
use af2_core::text::answer::clean_answer;
use af2_core::text::marker::{Found, MarkerScanner};
use af2_core::text::{AnswerDelta, AnswerStream, TextError, Tokenizer};
use toy_text::{cases, ids, random, tokenizer};

const END: &str = "<|endoftext|>";

/// The answer of a generation, and the stop string that ended it. The sink gets the same answer delta by delta.
fn streamed(tokenizer: &Tokenizer, ids: &[u32], stops: &[&str]) -> (String, Option<String>) {
    let stops = stops.iter().map(ToString::to_string).collect();
    let (mut deltas, mut stop) = (String::new(), None);
    let sink = |delta: &AnswerDelta| {
        assert_eq!(stop, None, "nothing comes after a stop");
        match delta {
            AnswerDelta::Text(text) => deltas.push_str(text),
            AnswerDelta::Restart => deltas.clear(),
            AnswerDelta::Stop(text) => stop = Some(text.clone()),
        }
        true
    };
    let mut answer = AnswerText::new(tokenizer, &tokenizer.special_tokens(END).unwrap(), stops, sink).unwrap();
    let more = ids.iter().fold(true, |_, &id| answer.push(id));
    let answer = answer.finish(FinishReason::Length);
    assert_eq!(answer.text, deltas);
    assert_eq!(answer.finish, if stop.is_some() { FinishReason::Stop } else { FinishReason::Length });
    assert!(more || stop.is_some(), "only a stop string ends this answer");
    (answer.text, stop)
}

#[test]
fn a_sink_that_wants_no_more_ends_the_answer() {
    let tokenizer = tokenizer();
    let ids = tokenizer.encode("a dog barks").unwrap();
    let tokens = tokenizer.special_tokens(END).unwrap();
    let mut answer = AnswerText::new(&tokenizer, &tokens, Vec::new(), |_| false).unwrap();
    assert!(!answer.push(ids[0]));
    assert_eq!(answer.finish(FinishReason::Cancelled).finish, FinishReason::Cancelled);
}

#[test]
fn every_case_gives_the_originals_answer() {
    let tokenizer = tokenizer();
    for case in cases("decode") {
        let ids = ids(&case["ids"]);
        let decoded = tokenizer.decode(&ids, true).unwrap();
        assert_eq!(decoded, case["decoded"]);
        assert_eq!(clean_answer(&decoded, END), case["answer"]);
        assert_eq!(streamed(&tokenizer, &ids, &[]).0, case["answer"]);
    }
}

#[test]
fn streamed_answers_equal_whole_ones() {
    let tokenizer = tokenizer();
    let bound = tokenizer.vocab_size() as u32;
    for seed in 0..300 {
        // One id in eight is an added token, so that restarts and control tokens are frequent.
        let pick = |id: u32| if id < bound { id } else { 601 + id % 8 };
        let ids: Vec<u32> = random(seed, bound * 8 / 7).take(60).map(pick).collect();
        let whole = clean_answer(&tokenizer.decode(&ids, true).unwrap(), END);
        assert_eq!(streamed(&tokenizer, &ids, &[]).0, whole, "seed {seed}");
    }
}

#[test]
fn markers_spelt_in_ordinary_tokens_count_too() {
    let tokenizer = tokenizer();
    let ids: Vec<u32> =
        ["x<", "SEP", "> y <|endo", "ftext|>z"].iter().flat_map(|t| tokenizer.encode(t).unwrap()).collect();
    assert_eq!(streamed(&tokenizer, &ids, &[]).0, clean_answer(&tokenizer.decode(&ids, true).unwrap(), END));
    assert_eq!(streamed(&tokenizer, &ids, &[]).0, " y z");
}

#[test]
fn a_stop_string_ends_the_answer_across_tokens() {
    let tokenizer = tokenizer();
    let ids = tokenizer.encode("a dog barks. and a cat").unwrap();
    assert_eq!(streamed(&tokenizer, &ids, &["barks"]), ("a dog ".into(), Some("barks".into())));
    assert_eq!(streamed(&tokenizer, &ids, &["and", ". "]), ("a dog barks".into(), Some(". ".into())));
    assert_eq!(streamed(&tokenizer, &ids, &["cats"]), ("a dog barks. and a cat".into(), None));
}

#[test]
fn text_that_may_begin_a_stop_string_is_held_back() {
    let mut scanner = MarkerScanner::new(vec!["stop".into(), "op!".into()]).unwrap();
    let mut found = |delta: &str| {
        scanner.feed(delta);
        std::iter::from_fn(|| scanner.next_found()).collect::<Vec<_>>()
    };
    let text = |text: &str| Found::Text(text.into());
    assert_eq!(found("go s"), [text("go ")]);
    assert_eq!(found("to"), []);
    assert_eq!(found("op!x"), [text("sto"), Found::Marker(1), text("x")]);
    assert_eq!(found("stostop"), [text("sto"), Found::Marker(0)]);
    assert_eq!(scanner.finish(), "");
}

#[test]
fn what_is_found_does_not_depend_on_the_chunks() {
    let markers = ["ab", "abc", "bcab", "é", "ééa", "cc"].map(str::to_owned).to_vec();
    for seed in 0..500 {
        let text: String = random(seed, 4).take(24).map(|i| ["a", "b", "c", "é"][i as usize]).collect();
        let whole = scan(&markers, &[&text]);
        let chars: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(whole, scan(&markers, &chars), "{text}");
    }
}

/// Everything found, neighbouring texts joined.
fn scan(markers: &[String], deltas: &[impl AsRef<str>]) -> String {
    let mut scanner = MarkerScanner::new(markers.to_vec()).unwrap();
    let mut all = String::new();
    for delta in deltas {
        scanner.feed(delta.as_ref());
        while let Some(found) = scanner.next_found() {
            match found {
                Found::Text(text) => all.push_str(&text),
                Found::Marker(index) => all.push_str(&format!("[{index}]")),
            }
        }
    }
    all + &scanner.finish()
}

#[test]
fn an_empty_stop_string_is_refused() {
    let error = AnswerStream::new(&tokenizer(), END, vec![String::new()]).err().unwrap();
    assert!(matches!(error, TextError::EmptyStop));
}
