//! Runs with the demo model on the CPU engine: questions, options, interruptions, missing audio, submissions, comparisons.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::data_set::{command, eval, folder, json, lines, repository, sound, stderr, stdout, text};

const MODEL: &str = "weights/demo/model";
const CPU: [&str; 2] = ["--engine", "cpu"];

/// `right` and `n` of a rule over all items.
fn figure(report: &Value, rule: &str) -> (u64, u64) {
    let figures = report["figures"].as_array().unwrap();
    let figure =
        figures.iter().find(|figure| figure["rule"] == rule).unwrap_or_else(|| panic!("no figure {rule}: {report}"));
    let all = &figure["groups"][0];
    (all["right"].as_u64().unwrap(), all["n"].as_u64().unwrap())
}

/// The model card: 63 questions about the shipped sounds, each answered as PyTorch does, 58 right. The run is killed on its way.
#[test]
fn the_model_card_is_reproduced_after_an_interruption() {
    let out = tempfile::tempdir().unwrap();
    let arguments = ["demo", "weights/demo/sounds", MODEL, CPU[0], CPU[1], "--json", "--out", text(out.path())];
    let answers = out.path().join("answers.jsonl");
    let mut child = command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while lines(&answers).len() < 4 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = fs::read(&answers).unwrap();
    assert!(!out.path().join("report.json").exists(), "the run was to be killed before its end");
    let report = json(&eval(&arguments));
    assert!(fs::read(&answers).unwrap().starts_with(&before), "what was answered stays");
    let written = lines(&answers);
    let ids: BTreeSet<String> = written.iter().map(|line| line["id"].to_string()).collect();
    assert_eq!((ids.len(), written.len()), (63, 63), "each item is asked once");
    assert_eq!((figure(&report, "same text"), figure(&report, "same as PyTorch")), ((58, 63), (63, 63)));
    assert_eq!(report, serde_json::from_slice::<Value>(&fs::read(out.path().join("report.json")).unwrap()).unwrap());
    assert_eq!((&report["run"]["model"], &report["template"]), (&written[0]["af2"]["model"], &json!("plain")));
    assert!(report["run"]["adapter"].as_str().unwrap().contains("CPU"), "{}", report["run"]);
    assert!(report["run"]["schemes"]["q4"].as_u64().unwrap() > 0, "{}", report["run"]);
    // Everything is answered: no model is loaded, and the table has the same figures.
    let table = stdout(&eval(&["demo", "weights/demo/sounds", MODEL, "--out", text(out.path())]));
    assert!(table.contains("63 of 63 items answered") && table.contains("| 92.1 "), "{table}");
    let same = json(&eval(&["compare", text(out.path()), text(out.path()), "--json"]));
    assert_eq!((&same["common"], &same["identical"], &same["rules"][0]["p"]), (&json!(63), &json!(63), &json!(1.0)));
}

/// Four questions in MMAU's layout about two sounds, one whose audio is missing, and one whose audio is broken.
fn mmau() -> tempfile::TempDir {
    let options = ["a cow", "a siren", "rain", "a duck"];
    let row = |id: &str, audio: &str, answer: &str| {
        json!({
            "id": id, "audio_id": format!("./test-mini-audios/{audio}"), "question": "which of these sounds do you hear?",
            "choices": options, "answer": answer, "task": "sound", "difficulty": "easy", "dataset": "made",
        })
    };
    let rows = [
        row("1", "cow.ogg", "a cow"),
        row("2", "duck.ogg", "a duck"),
        row("3", "cow.ogg", "a siren"), // wrongly labelled
        row("4", "absent.ogg", "rain"),
        row("5", "broken.ogg", "rain"),
    ];
    let files = [
        ("mmau-test-mini.json", Value::from(rows.to_vec()).to_string()),
        ("mmau-test.json", Value::from(rows[..2].to_vec()).to_string()),
        ("test-mini-audios/broken.ogg", "no audio".to_owned()),
    ];
    let files: BTreeMap<String, String> = files.map(|(name, text)| (name.to_owned(), text)).into();
    let sounds = [("test-mini-audios/cow.ogg", sound("cow.ogg")), ("test-mini-audios/duck.ogg", sound("duck.ogg"))];
    folder(&files, &sounds)
}

#[test]
fn options_missing_audio_submissions_and_comparisons() {
    let (data, out) = (mmau(), tempfile::tempdir().unwrap());
    let run = |rest: &[&str]| eval(&[&["mmau", text(data.path()), MODEL], &CPU[..], rest].concat());
    let out_option = ["--out", text(out.path())];
    let output = run(&[&out_option[..], &["--choose", "--template", "readme"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1 of 4 items have no answer"), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("absent.ogg") && table.contains("items have no answer, and are in no figure: 5"), "{table}");
    assert!(table.contains("62.4") && table.contains("MMAU leaderboard"), "{table}");
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["items"], &report["answered"]), (&json!(4), &json!(3)));
    assert_eq!(report["missing_audio"], json!(["test-mini-audios/absent.ogg"]));
    assert!(report["failures"][0]["error"].as_str().unwrap().contains("broken.ogg"), "{}", report["failures"]);
    for rule in ["string match", "string match, mapped", "choose"] {
        assert_eq!(figure(&report, rule).1, 3, "{rule}");
    }
    assert_eq!(figure(&report, "string match, mapped"), (2, 3), "{table}");
    assert_eq!(report["run"]["options"]["template"], "readme");

    // Scored options are those of `af2 choose`.
    let written = lines(&out.path().join("answers.jsonl"));
    let first = written.iter().find(|line| line["id"] == "1").unwrap();
    let mut choose = std::process::Command::new(env!("CARGO_BIN_EXE_af2"));
    choose.current_dir(repository()).args(["choose", "--json", CPU[0], CPU[1], MODEL, "weights/demo/sounds/cow.ogg"]);
    let question = first["question"].as_str().unwrap();
    assert_eq!(question, "which of these sounds do you hear? (A) a cow. (B) a siren. (C) rain. (D) a duck.");
    let choice = json(&choose.args([question, "--options", "a cow,a siren,rain,a duck"]).output().unwrap());
    let weighed = &first["result"]["choice"];
    assert_eq!(weighed["best"], choice["best"]);
    for (ours, theirs) in weighed["options"].as_array().unwrap().iter().zip(choice["options"].as_array().unwrap()) {
        let logprob = |option: &Value| option["logprob"].as_f64().unwrap();
        assert!((logprob(ours) - logprob(theirs)).abs() < 1e-4, "{ours} {theirs}");
    }

    // The submission: the data set's fields, and the prediction.
    let submission: Value = serde_json::from_slice(&fs::read(out.path().join("submission.json")).unwrap()).unwrap();
    assert_eq!(submission.as_array().unwrap().len(), 3);
    assert_eq!(submission[0]["dataset"], "made");
    assert_eq!(submission[0]["model_prediction"], first["result"]["text"]);

    // Another template's answers are not mixed with these.
    let refused = run(&out_option);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("holds answers of options"), "{}", stderr(&refused));

    // Against answers of others, found by file and prompt: those of items 1 and 3, which ask the same, changed; 1 became wrong.
    let theirs = out.path().join("inference.jsonl");
    let line = |line: &Value| {
        let text = if line["id"] == "1" { json!("(c) rain") } else { line["result"]["text"].clone() };
        json!({ "path": format!("/elsewhere/{}", line["audio"].as_str().unwrap()), "prompt": line["question"], "output": text })
    };
    let answered =
        written.iter().filter(|line| line["id"] == "1" || line["id"] == "2").map(|one| line(one).to_string() + "\n");
    fs::write(&theirs, answered.collect::<String>()).unwrap();
    let compared = json(&eval(&["compare", text(out.path()), text(&theirs), "--json"]));
    assert_eq!((&compared["identical"], &compared["common"], &compared["apart"]), (&json!(1), &json!(3), &json!(0)));
    let mapped =
        compared["rules"].as_array().unwrap().iter().find(|flips| flips["rule"] == "string match, mapped").unwrap();
    assert_eq!((&mapped["lost"], &mapped["won"], &mapped["p"]), (&json!(1), &json!(0), &json!(1.0)));
}

/// A manifest of the original whose entries begin within their files, as `audio_start` says.
#[test]
fn an_entry_of_a_manifest_begins_at_its_audio_start() {
    let entry = |start: Value| json!({ "name": "cow.ogg", "prompt": "What is this sound?", "output": "it is a cow", "audio_start": start });
    let manifest = |entries: &[Value]| {
        let data: serde_json::Map<String, Value> =
            (0..).zip(entries).map(|(i, entry): (usize, _)| (i.to_string(), entry.clone())).collect();
        let manifest = json!({ "split": "test", "split_path": "clips", "flamingo_task": "Cows", "total_num": data.len(), "data": data });
        let files = [("Cows-Test/test.json".to_owned(), manifest.to_string())].into();
        folder(&files, &[("clips/cow.ogg", sound("cow.ogg"))])
    };
    let run = |data: &tempfile::TempDir, out: &tempfile::TempDir| {
        eval(&["manifest", text(data.path()), MODEL, CPU[0], CPU[1], "--out", text(out.path())])
    };
    let (data, out) = (
        manifest(&[entry(json!(2.5)), entry(json!(0)), entry(json!("2.5")), entry(json!(60))]),
        tempfile::tempdir().unwrap(),
    );
    let output = run(&data, &out);
    assert!(stderr(&output).contains("1 of 4 items have no answer"), "{}", stderr(&output));
    let written = lines(&out.path().join("answers.jsonl"));
    let line = |key: &str| written.iter().find(|line| line["id"] == format!("Cows-Test/test#{key}").as_str()).unwrap();
    let seconds = |key: &str| line(key)["result"]["seconds"].as_f64().unwrap();
    assert!((seconds("1") - 2.5 - seconds("0")).abs() < 1e-3, "{} {}", seconds("0"), seconds("1"));
    assert_eq!(
        (seconds("2"), &line("0")["audio_start"], line("1").get("audio_start")),
        (seconds("0"), &json!(2.5), None)
    );
    assert_ne!(line("0")["result"]["confidence"], line("1")["result"]["confidence"]);
    assert_eq!(line("0")["result"]["confidence"], line("2")["result"]["confidence"]);
    assert!(line("3")["error"].as_str().unwrap().contains("ends before 60 s"), "{}", line("3"));
    for wrong in [json!(-1), json!("soon")] {
        let output = run(&manifest(&[entry(wrong)]), &tempfile::tempdir().unwrap());
        assert!(stderr(&output).contains("entry 0: its `audio_start`"), "{}", stderr(&output));
    }
}

#[test]
fn withheld_answers_are_exported() {
    let (data, out) = (mmau(), tempfile::tempdir().unwrap());
    let arguments = ["mmau-test", text(data.path()), MODEL, CPU[0], CPU[1], "--limit", "1", "--out", text(out.path())];
    let refused = eval(&arguments);
    assert!(stderr(&refused).contains("of 1 audio files none is in"), "{}", stderr(&refused));
    fs::rename(data.path().join("test-mini-audios"), data.path().join("test-audios")).unwrap();
    let table = stdout(&eval(&arguments));
    assert!(table.contains("1 of 1 items answered") && !table.contains("right %"), "{table}");
    let submission: Value = serde_json::from_slice(&fs::read(out.path().join("submission.json")).unwrap()).unwrap();
    assert!(submission[0]["model_prediction"].is_string() && submission[0]["choices"].is_array(), "{submission}");
}

#[test]
fn what_is_wrong_is_said() {
    let data = mmau();
    let fails = |arguments: &[&str], word: &str| {
        let output = eval(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
        let stderr = stderr(&output);
        assert!(stderr.lines().count() == 1 && stderr.contains(word), "{word}: {stderr}");
    };
    fails(&["mmmu", text(data.path()), MODEL], "no benchmark `mmmu`; `af2 eval list` shows all");
    fails(&["gtzan", text(data.path()), MODEL], "genres");
    fails(&["mmau", text(data.path()), MODEL, "--template", "mine"], "author, readme");
    fails(&["mmau", text(data.path())], "name the folder of a converted model");
    fails(&["mmau", "--limit", "3"], "mmau-test-mini.json");
    fails(&["compare", text(data.path()), text(data.path())], "report.json");
    let foreign = data.path().join("foreign.jsonl");
    fs::write(&foreign, "{\"id\": \"99\", \"prediction\": \"a cow\"}\n").unwrap();
    fails(&["mmau", text(data.path()), "--answers", text(&foreign)], "answers none of the items");
    fs::write(&foreign, "{\"id\": \"1\"\n").unwrap();
    fails(&["mmau", text(data.path()), "--answers", text(&foreign)], "line 1");
    fs::write(data.path().join("mmau-test-mini.json"), "[{\"id\": \"1\"}]").unwrap();
    fails(&["mmau", text(data.path()), MODEL], "entry 1");
    let list = stdout(&eval(&["list"]));
    for benchmark in af2_eval::benchmarks::ALL {
        assert!(list.contains(&format!("{}: {}", benchmark.name, benchmark.title)), "{list}");
    }
}
