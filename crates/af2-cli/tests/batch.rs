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
        for field in ["ids", "text", "prompt_ids", "finish_reason", "notices"] {
            assert_eq!(together["result"][field], alone[field], "{together}");
        }
        let confidence = |answer: &Value| answer["confidence"].as_f64().unwrap() as f32; // one of them was printed as float64
        assert_eq!(confidence(&together["result"]), confidence(alone), "{together}");
        assert!(together["result"]["timings"]["first_token"].is_null(), "the two were decoded together: {together}");
    }
    // The next line is about the same audio.
    assert!(found[2]["result"]["timings"]["first_token"].is_null(), "{}", found[2]);
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

#[test]
fn a_run_that_is_killed_loses_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("answers.jsonl");
    let questions: Vec<String> = (0..60).map(|number| format!("\"What is {number}?\"")).collect();
    let list = folder.path().join("list.jsonl");
    std::fs::write(&list, format!("{{\"audio\": \"{SPEECH}\", \"questions\": [{}]}}\n", questions.join(","))).unwrap();
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
        command.current_dir(repository()).args(["batch", "--engine", "cpu", "--max-new-tokens", "6", "weights/toy"]);
        command.arg(&list).args(["--root", "tests/fixtures/inputs", "--out"]).arg(&out);
        command.stderr(Stdio::null());
        command
    };
    let written = || std::fs::read(&out).unwrap_or_default();
    let mut before = Vec::new();
    for lines in [1, 9, 20] {
        let mut child = run().spawn().unwrap();
        while written().split(|byte| *byte == b'\n').count() <= lines && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = written();
        assert!(now.starts_with(&before), "what a run wrote stays");
        before = now;
    }
    assert!(run().status().unwrap().success());
    assert!(written().starts_with(&before));
    let asked: std::collections::BTreeSet<_> =
        lines(&written()).iter().map(|line| line["question"].to_string()).collect();
    assert_eq!((asked.len(), lines(&written()).len()), (60, 60), "each question is answered once");
}

#[test]
fn files_in_use_and_answers_of_other_options_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("answers.jsonl");
    let rest = ["--question", "What?", "--out", out.to_str().unwrap()];
    assert!(batch(&rest, SPEECH).status.success());
    let first = std::fs::read(&out).unwrap();
    let refused = |rest: &[&str], word: &str| {
        let output = batch(rest, SPEECH);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains(word), "{stderr}");
        assert_eq!(std::fs::read(&out).unwrap(), first);
    };
    let other = [&rest[..], &["--seed", "7"]].concat();
    refused(&other, "--again");
    let held = std::fs::File::options().append(true).open(&out).unwrap();
    held.lock().unwrap();
    refused(&rest, "another af2 batch");
    drop(held);
    let again = batch(&[&other[..], &["--again"]].concat(), SPEECH);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let both = lines(&std::fs::read(&out).unwrap());
    assert_eq!(both[1]["af2"]["options"]["seed"], 7);
    assert_eq!((both.len(), &both[0]["af2"]["model"]), (2, &both[1]["af2"]["model"]));
}

/// Whatever a path leads to, its line says so, and the others are answered.
#[cfg(unix)]
#[test]
fn paths_that_are_no_files_cost_only_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let bad = ["", ".", "/dev/zero", "no such file", pipe.to_str().unwrap()];
    let list: String = bad.iter().map(|path| format!("{{\"audio\": \"{path}\"}}\n")).collect();
    let output = batch(&["--question", "What?"], &format!("{list}{SPEECH}\n"));
    let found = lines(&output.stdout);
    let words = ["is empty", "a directory", "a device", "No such file", "nobody writes"];
    for (line, word) in found.iter().zip(words) {
        assert!(line["error"].as_str().unwrap().contains(word), "{word}: {line}");
    }
    assert!(found[bad.len()]["result"]["text"].is_string(), "{}", found[bad.len()]);

    let fails = |arguments: &[&str], word: &str| {
        let output = af2(arguments, "");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.contains(word), "{word}: {stderr}");
    };
    fails(&["batch", "weights/toy", "/dev/zero", "--question", "What?"], "a device");
    fails(&["batch", "weights/toy", pipe.to_str().unwrap(), "--question", "What?"], "nobody writes");
    let model = folder.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::os::unix::fs::symlink("/dev/zero", model.join("config.json")).unwrap();
    fails(&["ask", "--engine", "cpu", model.to_str().unwrap(), SPEECH, "What?"], "a device");
}

/// Lists and answers go through pipes of a shell, too.
#[cfg(unix)]
#[test]
fn pipes_are_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let (list, out) = (folder.path().join("list"), folder.path().join("out"));
    assert!(Command::new("mkfifo").args([&list, &out]).status().unwrap().success());
    let script = "echo tests/fixtures/inputs/speech_16k_mono.wav > \"$2\" & cat \"$3\" & \
        \"$1\" batch --engine cpu --max-new-tokens 2 --question What? weights/toy \"$2\" --out \"$3\"; wait";
    let mut shell = Command::new("sh");
    shell.current_dir(repository()).args(["-c", script, "sh", env!("CARGO_BIN_EXE_af2")]).args([&list, &out]);
    let output = shell.output().unwrap();
    assert_eq!(lines(&output.stdout).len(), 1, "{}", String::from_utf8_lossy(&output.stderr));
}

/// A reader that leaves early, a full disk and a closed stderr end in exit code 1 or in the answer, never in a panic.
#[cfg(unix)]
#[test]
fn streams_that_take_nothing_do_no_harm() {
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let closed = || Stdio::from(std::io::pipe().unwrap().1); // its reader is dropped at once
    let run = |out: Stdio, err: Stdio, arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
        command.current_dir(repository()).args(arguments).stdout(out).stderr(err).output().unwrap()
    };
    let speech = format!("tests/fixtures/inputs/{SPEECH}");
    let ask = ["ask", "--engine", "cpu", "--max-new-tokens", "2", "weights/toy", &speech, "What?"];
    for arguments in [&ask[..], &["inspect", "weights/toy"]] {
        let left = run(closed(), Stdio::piped(), arguments);
        assert_eq!((left.status.code(), String::from_utf8_lossy(&left.stderr).as_ref()), (Some(1), ""));
        let no_room = run(full(), Stdio::piped(), arguments);
        let stderr = String::from_utf8_lossy(&no_room.stderr).into_owned();
        assert_eq!((no_room.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
        assert!(stderr.starts_with("af2: cannot write to standard output"), "{stderr}");
    }
    for err in [full(), closed()] {
        assert_eq!(run(Stdio::piped(), err, &["inspect", "no such model"]).status.code(), Some(1));
    }
    let cut = [
        "ask",
        "--engine",
        "cpu",
        "--max-new-tokens",
        "2",
        "weights/toy",
        "tests/fixtures/inputs/long_8k_127s.flac",
        "What?",
    ];
    let output = run(Stdio::piped(), closed(), &cut);
    assert!(output.status.success() && !output.stdout.is_empty(), "a note that nobody reads costs no answer");
    let output = run(Stdio::piped(), Stdio::piped(), &cut);
    assert!(!output.stderr.contains(&b'\r'), "progress is for terminals: {}", String::from_utf8_lossy(&output.stderr));
}
