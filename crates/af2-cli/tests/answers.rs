//! How sure, which of these, which seconds, in which form: on the command line, with the demo model on the CPU.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `af2 COMMAND` about a sample sound of the demo model.
fn af2(command: &str, sound: &str, rest: &[&str]) -> Output {
    let sound = format!("weights/demo/sounds/{sound}");
    let fixed = [command, "--engine", "cpu", "weights/demo/model", &sound];
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.current_dir(repository()).args(fixed).args(rest).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The only JSON object of an output.
fn object(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// The command failed with `code`, and stderr holds `words`.
fn assert_fails(output: &Output, code: i32, words: &str) {
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{}", stderr(output));
    assert!(stderr(output).contains(words), "{}", stderr(output));
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

const WHAT: &str = "what is this sound?";

#[test]
fn an_answer_tells_how_sure_it_is() {
    let said = af2("ask", "cow.ogg", &[WHAT]);
    assert_eq!(stdout(&said), "it is a cow\n");
    let answer = object(&af2("ask", "cow.ogg", &[WHAT, "--json", "--logprobs", "3"]));
    let tokens = answer["logprobs"].as_array().unwrap();
    assert_eq!(
        tokens.iter().map(|token| token["token"].clone()).collect::<Vec<_>>(),
        *answer["ids"].as_array().unwrap()
    );
    let text: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert_eq!(text, "it is a cow<|endofchunk|><|endoftext|>");
    for token in tokens {
        let top = token["top"].as_array().unwrap();
        assert_eq!((top.len(), &top[0]["token"], &top[0]["logprob"]), (3, &token["token"], &token["logprob"]));
        assert!(top[1]["logprob"].as_f64() >= top[2]["logprob"].as_f64());
    }
    let sum: f64 = tokens.iter().map(|token| token["logprob"].as_f64().unwrap()).sum();
    let confidence = answer["confidence"].as_f64().unwrap();
    assert!((confidence - sum.exp()).abs() < 1e-5, "{confidence}");
    assert_eq!(stderr(&said), format!("confidence {:.0} %\n", 100.0 * confidence));
    // One beam finds the same answer, whose tokens are scored afterwards.
    let searched = object(&af2("ask", "cow.ogg", &[WHAT, "--json", "--beams", "1"]));
    assert_eq!((&searched["ids"], searched.get("logprobs")), (&answer["ids"], None));
    assert!((searched["confidence"].as_f64().unwrap() - confidence).abs() < 1e-4);
    assert_fails(&af2("ask", "cow.ogg", &[WHAT, "--logprobs", "3"]), 1, "add --json");
    assert_fails(&af2("ask", "cow.ogg", &[WHAT, "--json", "--logprobs", "21"]), 2, "0..=20");
}

#[test]
fn a_cut_question_is_among_the_notices() {
    let long = "what is that sound ".repeat(200);
    let answer = object(&af2("ask", "cow.ogg", &[&long, "--json", "--max-new-tokens", "1"]));
    assert!(answer["notices"][0].as_str().unwrap().contains("cut to 512"), "{}", answer["notices"]);
}

#[test]
fn options_are_weighed() {
    let options = ["--options", "it is a dog,it is a cow", "--option", "it is rain, or so"];
    let table = stdout(&af2("choose", "cow.ogg", &[&[WHAT], &options[..]].concat()));
    assert!(table.starts_with("it is a cow ") && table.lines().count() == 3, "{table}");
    let choice = object(&af2("choose", "cow.ogg", &[&[WHAT, "--json"], &options[..]].concat()));
    assert_eq!((&choice["best"], &choice["text"]), (&json!(1), &json!("it is a cow")));
    for name in ["probability", "raw_probability"] {
        let sum: f64 = choice["options"].as_array().unwrap().iter().map(|option| option[name].as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{choice}");
    }
    let cow = &choice["options"][1];
    assert!(cow["logprob"].as_f64() > cow["prior_logprob"].as_f64(), "{choice}");
    assert!(cow["logprob_per_token"].as_f64() > cow["logprob"].as_f64(), "{choice}");
    // The same with letters, whether they are asked for or stand in the question.
    let listed = "which of these sounds do you hear?\n(a) a dog\n(b) a cow\n(c) rain";
    let options = ["--options", "a dog,a cow,rain", "--json"];
    assert_eq!(object(&af2("choose", "cow.ogg", &[&[listed], &options[..]].concat()))["text"], "a cow");
    assert_eq!(object(&af2("choose", "cow.ogg", &[&[WHAT, "--letters"], &options[..]].concat()))["text"], "a cow");
    assert_fails(&af2("choose", "cow.ogg", &[WHAT, "--options", "a dog"]), 1, "at least two");
    assert_fails(&af2("choose", "cow.ogg", &[WHAT]), 2, "--options");
}

#[test]
fn the_seconds_of_a_sound_are_found() {
    // The cow is in the first half, the duck in the second.
    for (question, answer, half) in
        [("is there a duck?", "yes", 5.0..10.0), ("which sound comes first?", "it is a cow", 0.0..5.0)]
    {
        let answered = object(&af2("ask", "cow-duck.ogg", &[question, "--where", "effect", "--json"]));
        assert_eq!(answered["text"], answer);
        let found = &answered["where"];
        assert_eq!((&found["method"], &found["seconds_per_step"]), (&json!("effect"), &json!(0.3125)));
        let curve = numbers(&found["curve"]);
        let peak = (0..32).max_by(|a, b| curve[*a].total_cmp(&curve[*b])).unwrap() as f64 * 0.3125;
        assert!(half.contains(&peak), "{question} {peak}: {found}");
        for interval in found["intervals"].as_array().unwrap() {
            let (start, end) = (interval["start"].as_f64().unwrap(), interval["end"].as_f64().unwrap());
            assert!(0.0 <= start && start < end && end <= 10.0, "{found}");
            assert!((0.0..=1.0).contains(&interval["weight"].as_f64().unwrap()));
        }
        assert!(!found["intervals"].as_array().unwrap().is_empty());
    }
    let attention = object(&af2("ask", "cow.ogg", &[WHAT, "--where", "attention", "--json"]));
    let (curve, seconds) = (numbers(&attention["where"]["curve"]), attention["seconds"].as_f64().unwrap());
    assert_eq!(curve.len(), (seconds / 0.3125).ceil() as usize, "what is padded is left out");
    assert!(curve.iter().sum::<f64>() <= 1.0 + 1e-5);
    let said = af2("ask", "cow.ogg", &[WHAT, "--where", "attention"]);
    let lines: Vec<String> = stdout(&said).lines().map(str::to_owned).collect();
    assert!(
        lines[0] == "it is a cow" && lines[1..].iter().all(|line| line.contains('–') && line.ends_with(" s")),
        "{lines:?}"
    );
}

#[test]
fn an_answer_is_one_of_the_choices() {
    let chosen = |rest: &[&str]| stdout(&af2("ask", "cow.ogg", &[&[WHAT], rest].concat()));
    assert_eq!(chosen(&["--choices", "it is a dog, it is a cow, rain"]), "it is a cow\n");
    assert_eq!(chosen(&["--choices", "rain"]), "rain\n");
    let texts = ["It is a dog, then.", "Ünlikely"];
    let answer = chosen(&["--choice", texts[0], "--choice", texts[1], "--sample"]);
    assert!(texts.contains(&answer.trim_end()), "{answer}");
    let fails = |rest: &[&str], words: &str| assert_fails(&af2("ask", "cow.ogg", &[&[WHAT], rest].concat()), 1, words);
    fails(&["--choices", "rain", "--beams", "2"], "--beams");
    fails(&["--choices", "it is a dog", "--max-new-tokens", "2"], "--max-new-tokens");
}

#[test]
fn an_answer_is_json_of_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    let schema = |text: &Value| {
        let path = folder.path().join("schema.json");
        std::fs::write(&path, text.to_string()).unwrap();
        af2("ask", "cow.ogg", &[WHAT, "--json-schema", path.to_str().unwrap()])
    };
    let sound = json!({"enum": ["it is a cow", "it is a dog"]});
    let known = json!({"type": "object", "properties": {"sound": sound, "sure": {"type": "boolean"}}, "required": ["sound", "sure"]});
    let answer = object(&schema(&known));
    assert!(
        ["it is a cow", "it is a dog"].contains(&answer["sound"].as_str().unwrap()) && answer["sure"].is_boolean(),
        "{answer}"
    );
    assert_fails(&schema(&json!({"type": "string", "pattern": "a+"})), 2, "`pattern` is not known");
    let absent = af2("ask", "cow.ogg", &[WHAT, "--json-schema", "no such file"]);
    assert_fails(&absent, 2, "cannot read no such file");
}

#[test]
fn batch_answers_tell_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    std::fs::write(&list, "cow.ogg\n").unwrap();
    let mut batch = Command::new(env!("CARGO_BIN_EXE_af2"));
    batch.current_dir(repository()).args([
        "batch",
        "--engine",
        "cpu",
        "--root",
        "weights/demo/sounds",
        "--question",
        WHAT,
    ]);
    batch.args(["--choices", "it is a cow,it is a dog", "--logprobs", "0", "weights/demo/model"]).arg(&list);
    let line = object(&batch.output().unwrap());
    assert!(line["result"]["confidence"].as_f64().unwrap() > 0.5, "{line}");
    assert!(line["result"]["logprobs"][0]["top"].as_array().unwrap().is_empty(), "{line}");
    assert_eq!(line["af2"]["options"]["choices"], json!(["it is a cow", "it is a dog"]));
}
