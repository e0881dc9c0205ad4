//! Every rule against its twin: `tests/twin/make.py`, an independent implementation in Python. Captions with marks are compared with the tokens of the
//! tokenizer that the evaluation of COCO uses.

use serde_json::Value;

use super::{
    air_bench,
    captions::{self, Captions, DocumentFrequency, bleu, cider_d, rouge_l},
    label, lmms, muchomusic, option_map, reasoning, statistics, string_match,
};

fn expected(section: &str) -> Vec<Value> {
    let mut all: Value = serde_json::from_str(include_str!("../../tests/twin/expected.json")).expect("valid JSON");
    serde_json::from_value(all[section].take()).expect("a list")
}

fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().expect("a text")
}

fn texts(item: &Value, field: &str) -> Vec<String> {
    serde_json::from_value(item[field].clone()).expect("a list of texts")
}

fn index(item: &Value, field: &str) -> Option<usize> {
    item[field].as_u64().map(|index| index as usize)
}

fn close(value: f64, expected: &Value, item: &Value) {
    let expected = expected.as_f64().expect("a number");
    assert!((value - expected).abs() < 1e-9, "{value}, not {expected}: {item}");
}

#[test]
fn choices_are_scored_as_the_twin_does() {
    let items = expected("choices");
    assert!(items.len() >= 200);
    let mut right = [0; 2];
    for item in &items {
        let (said, answer, options) = (text(item, "prediction"), text(item, "answer"), texts(item, "options"));
        let mapped = option_map::mapped_text(said, &options);
        let scores = [string_match::correct(said, answer, &options), string_match::correct(mapped, answer, &options)];
        assert_eq!(scores.map(Some), [item["raw"].as_bool(), item["mapped"].as_bool()], "{item}");
        right = [0, 1].map(|rule| right[rule] + usize::from(scores[rule]));
        assert_eq!(option_map::letter(said, &options), index(item, "letter"), "{item}");
        assert_eq!(muchomusic::choice(said, &options), index(item, "muchomusic"), "{item}");
        assert_eq!(air_bench::choice(said), index(item, "air_bench"), "{item}");
        let place = options.iter().position(|option| option == answer).expect("one of the options");
        let reference = format!("({}) {answer}", char::from(b'A' + place as u8));
        assert_eq!(Some(reasoning::correct(said, &reference)), item["reasoning"].as_bool(), "{item}");
        let found = match lmms::letter(said, 1, 2) {
            lmms::Letter::Found(index) => Some(index),
            lmms::Letter::Drawn(_) => None,
        };
        assert_eq!(found, index(item, "lmms"), "{item}");
    }
    assert!(right[0] > 20 && right[1] > right[0] + 20, "both rules are exercised: {right:?}");
}

#[test]
fn labels_are_found_as_the_twin_does() {
    for item in expected("labels") {
        let (said, name) = (text(&item, "prediction"), text(&item, "label"));
        assert_eq!(Some(label::exact(said, name)), item["exact"].as_bool(), "{item}");
        assert_eq!(Some(label::contained(said, name, &texts(&item, "names"))), item["contained"].as_bool(), "{item}");
    }
}

#[test]
fn statistics_equal_the_twins() {
    let count = |item: &Value, field: &str| item[field].as_u64().expect("a count");
    for item in expected("counts") {
        let interval = statistics::wilson(count(&item, "right"), count(&item, "total"));
        close(interval.low, &item["low"], &item);
        close(interval.high, &item["high"], &item);
        close(statistics::mcnemar(count(&item, "lost"), count(&item, "won")), &item["mcnemar"], &item);
    }
}

#[test]
fn captions_have_the_tokens_of_the_reference() {
    for item in expected("tokens") {
        assert_eq!(captions::tokens(text(&item, "caption")), texts(&item, "tokens"), "{item}");
    }
}

#[test]
fn captions_are_scored_as_the_twin_does() {
    let items = expected("captions");
    let tokenised = |item: &Value| Captions {
        candidate: captions::tokens(text(item, "candidate")),
        references: texts(item, "references").iter().map(|text| captions::tokens(text)).collect(),
    };
    let set: Vec<Captions> = items.iter().map(tokenised).collect();
    let frequency = DocumentFrequency::new(set.iter().map(|clip| clip.references.as_slice()));
    assert_eq!(frequency.clips(), items.len());
    for (item, Captions { candidate, references }) in items.iter().zip(&set) {
        close(cider_d(candidate, references, &frequency), &item["cider_d"], item);
        close(rouge_l(candidate, references), &item["rouge_l"], item);
    }
    for (score, twin) in bleu(&set).into_iter().zip(expected("bleu")) {
        close(score, &twin, &twin);
    }
}
