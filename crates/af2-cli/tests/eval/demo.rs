//! The parts of the demo model's evaluation, each against the command that gives the same to one user at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::data_set::{eval, folder, json, lines, repository, sound, stderr, stdout, text};

const MODEL: &str = "weights/demo/model";
const CPU: [&str; 2] = ["--engine", "cpu"];

/// `af2 COMMAND --engine cpu OPTIONS MODEL REST`.
fn af2(command: &str, options: &[&str], rest: &[&str]) -> Output {
    let mut started = Command::new(env!("CARGO_BIN_EXE_af2"));
    started.current_dir(repository()).arg(command).args(CPU).args(options).arg(MODEL).args(rest);
    started.output().unwrap()
}

/// A cow and a duck, each a recording of its own set whose sound lasts as long as the file, and the cow's as hours of audio.
fn recordings() -> TempDir {
    let recording = |name: &str, options: &str, answer: &str, seconds: f64| {
        let questions = json!([
            { "kind": "yes or no", "question": format!("is there a {name}?"), "answer": "yes", "about": name },
            { "kind": "multiple choice", "question": format!("which of these sounds do you hear?\n{options}"), "answer": answer, "about": name },
            { "kind": "identify", "question": "what is this sound?", "answer": "it is a bell" }, // wrongly labelled
        ]);
        let events = json!([{ "sound": name, "start": 0.0, "end": seconds }]);
        json!({ "file": format!("{name}.ogg"), "set": format!("{name}s"), "kind": "single", "seconds": seconds, "events": events,
                "questions": questions })
    };
    let questions = [
        recording("cow", "(a) a flute\n(b) a siren\n(c) a cow\n(d) a duck", "(C) a cow", 6.59),
        recording("duck", "(a) an organ\n(b) rain\n(c) a duck\n(d) a bell", "(C) a duck", 6.6),
    ];
    let hours =
        json!({ "file": "cow.ogg", "seconds": 6.59, "events": [{ "sound": "cow", "start": 0.0, "end": 6.59 }] });
    let files: BTreeMap<String, String> = [
        ("questions.jsonl".to_owned(), questions.map(|line| line.to_string()).join("\n")),
        ("hours/60-minutes.json".to_owned(), hours.to_string()),
    ]
    .into();
    let sounds = [("cow.ogg", "cow.ogg"), ("duck.ogg", "duck.ogg"), ("hours/cow.ogg", "cow.ogg")];
    folder(&files, &sounds.map(|(place, name)| (place, sound(name))))
}

fn run(data: &Path, parts: &str, out: &Path) -> Output {
    let hours = data.join("hours");
    let fixed = ["demo", text(data), MODEL, "--parts", parts, "--hours", text(&hours), "--out", text(out), "--json"];
    eval(&[&fixed[..], &CPU].concat())
}

fn close(a: &Value, b: &Value) -> bool {
    (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4
}

#[test]
fn every_part_is_what_its_command_gives() {
    let (data, out) = (recordings(), tempfile::tempdir().unwrap());
    let report = json(&run(data.path(), "answers,choices,confidence,places,hours", out.path()));
    let demo = &report["demo"];
    assert_eq!(report["items"], 6 + 6, "the blind control is asked for the answers' figures");

    let written = lines(&out.path().join("answers.jsonl"));
    let line = |id: &str| written.iter().find(|line| line["id"] == id).unwrap()["result"].clone();
    let yes = line("cow.ogg#0");
    let cow = data.path().join("cow.ogg");
    let choice = json(&af2("choose", &["--json", "--options", "yes,no"], &[text(&cow), "is there a cow?"]));
    for (ours, theirs) in yes["choice"]["options"].as_array().unwrap().iter().zip(choice["options"].as_array().unwrap())
    {
        assert!(close(&ours["probability"], &theirs["probability"]), "{ours} {theirs}");
    }
    for place in yes["places"].as_array().unwrap() {
        let method = place["method"].as_str().unwrap();
        let answer = json(&af2("ask", &["--json", "--where", method], &[text(&cow), "is there a cow?"]));
        assert!(close(&yes["confidence"], &answer["confidence"]));
        let (ours, theirs) = (place["curve"].as_array().unwrap(), answer["where"]["curve"].as_array().unwrap());
        assert!(ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| close(a, b)), "{place} {answer}");
    }
    let wrong = line("cow.ogg#2");
    assert!(wrong.get("places").is_none() && wrong.get("choice").is_none(), "{wrong}");

    let rows = |part: &str, field: &str| -> Vec<(String, u64, u64)> {
        let row = |row: &Value| {
            (row[field].as_str().unwrap().to_owned(), row["right"].as_u64().unwrap(), row["n"].as_u64().unwrap())
        };
        demo[part].as_array().unwrap().iter().map(row).collect()
    };
    let choices = rows("choices", "method");
    assert_eq!(choices.len(), 2 * 2 * 3, "{choices:?}");
    assert!(choices.iter().all(|(_, right, n)| (*right, *n) == (1, 1)), "{choices:?}");
    assert_eq!(rows("confidence", "set"), [("cows".to_owned(), 2, 3), ("ducks".to_owned(), 2, 3)]);
    let all =
        demo["places"].as_array().unwrap().iter().find(|row| row["set"] == "all sets" && row["question"] == "all");
    let (effect, attention) = (&all.unwrap()["effect"], &all.unwrap()["attention"]);
    assert_eq!(
        (&effect["n"], &attention["right"]),
        (&json!(4), &json!(4)),
        "the sound lasts as long as the file: {demo}"
    );
    assert!(close(&all.unwrap()["random"], &json!(1.0)));
    let svg = fs::read_to_string(out.path().join("reliability.svg")).unwrap();
    assert!(svg.contains(">cows</text>") && svg.contains(">ducks</text>"));

    let results = lines(&out.path().join("hours.jsonl"));
    let result = |name: &str| results.iter().find(|line| line["question"] == name).unwrap()["result"].clone();
    for (name, options) in [("captions by window", vec![]), ("captions with --where", vec!["--where"])] {
        let theirs = json(&af2("captions", &[&["--format", "json"], &options[..]].concat(), &[text(&cow)]));
        let (ours, theirs) = (result(name), theirs.as_array().unwrap().clone());
        let ours = ours.as_array().unwrap();
        assert!(ours.len() == theirs.len() && !ours.is_empty(), "{ours:?} {theirs:?}");
        assert!(
            ours.iter().zip(&theirs).all(|(a, b)| a["text"] == b["text"]
                && (a["end"].as_f64().unwrap() - b["end"].as_f64().unwrap()).abs() < 1e-2)
        );
    }
    let index = out.path().join("index");
    stdout(&af2("index", &["--out", text(&index)], &[text(&cow)]));
    let found = json(&af2("search", &["--format", "json", "--min-confidence", "0"], &[text(&index), "a cow"]));
    let ours = result("search: a cow");
    assert!(close(&ours[0]["score"], &found[0]["score"]) && close(&ours[0]["confidence"], &found[0]["confidence"]));
    assert_eq!(
        (&demo["hours"]["mean_average_precision"], &demo["hours"]["captions"][0]["recall"]),
        (&json!(1.0), &json!(1.0))
    );

    // Everything is there: nothing is asked again, and the figures stay. Without answers' figures fewer questions count.
    let files = ["answers.jsonl", "hours.jsonl"].map(|name| fs::read(out.path().join(name)).unwrap());
    let again = json(&run(data.path(), "choices,places,hours", out.path()));
    assert_eq!(files, ["answers.jsonl", "hours.jsonl"].map(|name| fs::read(out.path().join(name)).unwrap()));
    assert_eq!(
        (&again["demo"]["choices"], &again["demo"]["places"], &again["demo"]["hours"]),
        (&demo["choices"], &demo["places"], &demo["hours"])
    );
    assert_eq!((&again["items"], &again["figures"]), (&json!(4), &json!([])));
    assert!(again["demo"].get("confidence").is_none());
}

#[test]
fn parts_that_cannot_be_measured_are_said() {
    let out = tempfile::tempdir().unwrap();
    let fails = |arguments: &[&str], word: &str| {
        let output = eval(arguments);
        assert!(output.status.code() == Some(1) && stderr(&output).contains(word), "{word}: {}", stderr(&output));
    };
    fails(&["mmau", text(out.path()), MODEL, "--parts", "choices"], "--parts names parts of the benchmark demo");
    fails(&["demo", "weights/demo/sounds", MODEL, "--parts", "places"], "questions.jsonl");
    fails(&["demo", "weights/demo/sounds", MODEL, "--parts", "hours", "--hours", text(out.path())], "60-minutes.json");
    fails(&["demo", "weights/demo/sounds", MODEL, "--parts", "memory", "--hours", text(out.path())], "10-minutes.wav");
}
