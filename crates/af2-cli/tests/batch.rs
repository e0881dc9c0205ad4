//! `af2 batch` as a researcher runs it: a list in, JSON lines out, failures in their place, and runs that go on.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn af2(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.args(arguments).current_dir(repository());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// On the CPU, on any machine; the audio files are the tests'.
fn batch(rest: &[&str], list: &str) -> Output {
    let fixed =
        ["batch", "--engine", "cpu", "--root", "tests/fixtures/inputs", "--max-new-tokens", "6", "weights/toy", "-"];
    af2(&[&fixed, rest].concat(), list)
}

fn lines(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const SPEECH: &str = "speech_16k_mono.wav";

#[test]
fn answers_come_in_order_with_the_fields_of_their_line() {
    let list = format!(
        "{{\"audio\": \"{SPEECH}\", \"questions\": [\"What?\", \"Who?\"], \"id\": 7}}\n{SPEECH}\n{{\"audio\": \"absent.wav\", \"id\": 8}}\n"
    );
    let output = batch(&["--question", "Caption the input audio."], &list);
    let (found, stderr) = (lines(&output.stdout), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("1 of 4 questions have no answer"), "{stderr}");
    let asked: Vec<_> = found.iter().map(|line| (line["id"].clone(), line["question"].clone())).collect();
    let caption = json!("Caption the input audio.");
    assert_eq!(
        asked,
        [(json!(7), json!("What?")), (json!(7), json!("Who?")), (json!(null), caption.clone()), (json!(8), caption)]
    );
    assert!(found[3]["error"].as_str().unwrap().contains("absent.wav"), "{}", found[3]);
    let sound = format!("tests/fixtures/inputs/{SPEECH}");
    let ask = ["ask", "--engine", "cpu", "--json", "--max-new-tokens", "6", "weights/toy", &sound, "What?", "Who?"];
    let alone = lines(&af2(&ask, "").stdout);
    for (together, alone) in found.iter().zip(&alone) {
        assert_eq!(together["result"]["ids"], alone["ids"], "{together}");
        assert_eq!(together["result"]["text"], alone["text"], "{together}");
    }
}

/// Without `--root` paths are those of any command.
#[test]
fn audio_is_found_from_where_the_command_runs() {
    let arguments = ["batch", "--engine", "cpu", "--max-new-tokens", "2", "--question", "What?", "weights/toy", "-"];
    let output = af2(&arguments, &format!("tests/fixtures/inputs/{SPEECH}\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines(&output.stdout)[0]["result"]["windows"], 1);
}

#[test]
fn a_second_run_asks_only_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("answers.jsonl");
    let rest = ["--out", out.to_str().unwrap(), "--question", "What?"];
    assert!(batch(&rest, SPEECH).status.success());
    let first = std::fs::read(&out).unwrap();
    let again = batch(&rest, SPEECH);
    assert!(again.status.success() && String::from_utf8_lossy(&again.stderr).contains("1 of 1 questions are answered"));
    assert_eq!(std::fs::read(&out).unwrap(), first, "nothing is asked twice");
    let more = batch(&["--out", out.to_str().unwrap(), "--question", "What?", "--question", "Who?"], SPEECH);
    assert!(more.status.success(), "{}", String::from_utf8_lossy(&more.stderr));
    let all = std::fs::read(&out).unwrap();
    assert!(all.starts_with(&first), "what was answered stays");
    let asked: Vec<_> = lines(&all).iter().map(|line| line["question"].clone()).collect();
    assert_eq!(asked, ["What?", "Who?"]);
}

#[test]
fn a_list_with_a_mistake_is_refused_before_anything_is_asked() {
    let output = batch(&[], &format!("{{\"audio\": \"{SPEECH}\", \"question\": \"What?\"}}\n{SPEECH}\n"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{stderr}");
    assert!(stderr.contains("line 2: there is no question"), "{stderr}");
}
