//! Every scored benchmark, read from its layout and scored by its rules, against `twin.py`, which shares no code with them.

use std::collections::BTreeMap;
use std::fs;

use af2_eval::{Benchmark, DataDir};
use serde::Deserialize;
use serde_json::Value;

use crate::data_set::{eval, folder, json, text};

/// A data set, answers, and what the twin makes of them.
#[derive(Deserialize)]
struct Case {
    benchmark: String,
    files: BTreeMap<String, String>,
    /// Empty files that a benchmark lists by their names.
    #[serde(default)]
    audio: Vec<String>,
    answers: String,
    items: usize,
    answered: usize,
    /// By rule and group: right, counted, unanswered, not counted; `mean`: the mean of the groups.
    figures: BTreeMap<String, BTreeMap<String, Value>>,
    captions: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    ambiguous: usize,
    #[serde(default)]
    controls: usize,
}

#[test]
fn every_benchmark_is_scored_as_its_twin_does() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("expected.json")).unwrap();
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.benchmark.as_str()).collect();
    for benchmark in af2_eval::benchmarks::ALL.iter().filter(|b| !b.rules.is_empty() || b.captions) {
        let same = ["mmau-v1", "manifest-captions"].contains(&benchmark.name);
        assert!(same || names.contains(benchmark.name), "{} has no case", benchmark.name);
    }
    cases.iter().for_each(check);
}

fn check(case: &Case) {
    let name = &case.benchmark;
    let data = folder(&case.files, &[]);
    for audio in &case.audio {
        let path = data.path().join(audio);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let answers = data.path().join("answers.of.the.case");
    fs::write(&answers, &case.answers).unwrap();
    let report = json(&eval(&[name, text(data.path()), "--answers", text(&answers), "--json"]));
    assert_eq!(report["items"], case.items + case.controls, "{name}");
    assert_eq!((&report["answered"], &report["strangers"]), (&case.answered.into(), &0.into()), "{name}");
    assert_eq!(report["ambiguous"], case.ambiguous, "{name}");
    for (rule, groups) in &case.figures {
        let figure = report["figures"].as_array().unwrap().iter().find(|figure| figure["rule"] == **rule);
        let figure = figure.unwrap_or_else(|| panic!("{name} has no figure {rule}"));
        let found: BTreeMap<String, &Value> = figure["groups"].as_array().unwrap().iter().map(by_key).collect();
        let wanted = groups.len() - usize::from(groups.contains_key("mean"));
        let means = found.keys().filter(|key| key.starts_with("mean over")).count();
        assert_eq!(found.len() - means, wanted, "{name}, {rule}: {:?}", found.keys());
        for (key, expected) in groups {
            match expected.as_f64() {
                Some(mean) => {
                    let (_, score) = found.iter().find(|(key, _)| key.starts_with("mean over")).unwrap();
                    close(&score["score"], mean, &format!("{name}, {rule}, mean"));
                }
                None => counts(found[key], expected, &format!("{name}, {rule}, {key}")),
            }
        }
    }
    if let Some(captions) = &case.captions {
        for (metric, expected) in captions {
            close(&report["captions"][metric], *expected, &format!("{name}, {metric}"));
        }
    }
}

fn by_key(group: &Value) -> (String, &Value) {
    (format!("{}={}", group["group"].as_str().unwrap(), group["of"].as_str().unwrap()), group)
}

fn counts(group: &Value, expected: &Value, what: &str) {
    let found = ["right", "n", "unanswered", "not_counted"].map(|field| group[field].clone());
    assert_eq!(Value::from(found.to_vec()), *expected, "{what}");
    let (right, n) = (group["right"].as_f64().unwrap(), group["n"].as_f64().unwrap());
    close(&group["score"], right / n.max(1.0), what);
    let (low, high) = (group["interval"][0].as_f64().unwrap(), group["interval"][1].as_f64().unwrap());
    let share = right / n.max(1.0);
    assert!(low - 1e-9 <= share && share <= high + 1e-9 && low < high, "{what}: {low} {high}");
}

fn close(found: &Value, expected: f64, what: &str) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{what}: {found}, expected {expected}");
}

/// Files that end early, or hold something else, cost an error with a sentence, never a panic.
#[test]
fn damaged_data_sets_are_refused_or_read() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("expected.json")).unwrap();
    let mut refused = 0;
    for case in &cases {
        let benchmark = Benchmark::named(&case.benchmark).unwrap();
        let data = folder(&case.files, &[]);
        for (name, text) in &case.files {
            let cut = |share: usize| text.chars().take(text.chars().count() * share / 7).collect::<String>();
            let damaged = (0..7).map(cut).chain([text.replace(',', ";"), text.replace('"', ""), "\u{feff}[{}]".into()]);
            for damaged in damaged {
                fs::write(data.path().join(name), damaged).unwrap();
                if let Err(error) = benchmark.items(&DataDir::new(data.path())) {
                    refused += 1;
                    assert!(error.to_string().len() > 20, "{error}");
                }
            }
            fs::write(data.path().join(name), text).unwrap();
        }
    }
    assert!(refused > 5 * cases.len(), "{refused}");
}
