//! A driver that loses the device or runs out of memory, at any call: the answer is the same, or the error has the right name.
//!
//! | fault | once | from then on |
//! |---|---|---|
//! | submit, wait, map, or opening a device | the answer | device lost |
//! | memory, buffer or pipeline | the answer | out of memory |
//!
//! A few positions of every kind are tried; all of them, for hours, where `AF2_ALL_FAULTS` is set.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod driver;

use std::process::Output;

use driver::{af2, calls};

const QUESTION: &str = "Caption the input audio.";
const ANSWER: &str = "a person is speaking in a small room.\n";
const LOST: &str = "was lost";
const FULL: &str = "out of memory";

fn ask<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["ask", "--engine", "gpu", "weights/toy", "tests/fixtures/inputs/speech_16k_mono.wav", QUESTION];
    [&fixed, rest].concat()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The run's answer, which no fault kept it from.
fn answer(arguments: &[&str], fault: &str) -> String {
    let output = af2(arguments, fault);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{fault}: {said}");
    assert!(!said.contains("panicked"), "{fault}: {said}");
    assert!(said.contains("af2: recovering: ") || !fault.starts_with("submit"), "{fault} was not felt: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The run ended with one line that holds `words`; what it had streamed by then is the answer's beginning.
fn assert_fails(fault: &str, words: &str) {
    let output = af2(&ask(&[]), fault);
    let (said, text) = (stderr(&output), String::from_utf8_lossy(&output.stdout).into_owned());
    assert_eq!(output.status.code(), Some(1), "{fault}: {said}");
    assert!(!said.contains("panicked") && said.lines().last().unwrap().contains(words), "{fault}: {said}");
    assert!(ANSWER.starts_with(&text), "{fault}: {text}");
}

/// `few` of the positions from 1 to `count`, the first and the last among them; all where that is asked for.
fn positions(count: usize, few: usize) -> Vec<usize> {
    if std::env::var_os("AF2_ALL_FAULTS").is_some() || count <= few {
        return (1..=count).collect();
    }
    if few == 1 { vec![count.div_ceil(2)] } else { (0..few).map(|at| 1 + at * (count - 1) / (few - 1)).collect() }
}

#[test]
fn one_fault_anywhere_changes_no_answer() {
    let (counts, _) = calls(&ask(&[]));
    let kinds = [("device", 1), ("submit", 3), ("wait", 3), ("memory", 1), ("buffer", 2), ("pipeline", 1), ("map", 1)];
    for (kind, few) in kinds {
        assert!(counts[kind] > 0, "{kind}");
        // wgpu itself makes the first three buffers, while it opens the device.
        let second = (kind == "buffer").then_some(2);
        for position in positions(counts[kind], few).into_iter().chain(second) {
            let fault = format!("{kind}:{position}");
            assert_eq!(answer(&ask(&[]), &fault), ANSWER, "{fault}");
        }
    }
}

#[test]
fn a_fault_that_stays_is_named() {
    let (counts, _) = calls(&ask(&[]));
    for (kind, words) in [("submit", LOST), ("wait", LOST), ("buffer", FULL), ("pipeline", FULL)] {
        // How often the device is asked whether its work is done depends on the machine: the eighth call is in every run.
        let count = if kind == "wait" { 16 } else { counts[kind] / 2 };
        for position in positions(count, 1) {
            assert_fails(&format!("{kind}:{position}+"), words);
        }
    }
    assert_fails("device:1+", LOST);
}

/// The answer is sampled or searched as without the loss.
#[test]
fn other_ways_of_decoding_recover_too() {
    for rest in [&["--sample", "--temperature", "2", "--seed", "7"][..], &["--beams", "2"]] {
        let arguments = ask(rest);
        let (counts, expected) = calls(&arguments);
        assert_eq!(answer(&arguments, &format!("submit:{}", counts["submit"] - 5)), expected, "{rest:?}");
    }
}

#[test]
fn a_list_is_answered_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.jsonl");
    std::fs::write(&list, "speech_16k_mono.wav\ntone_11k025_u8.wav\nspeech_16k_mono.wav\n").unwrap();
    let fixed = ["batch", "--engine", "gpu", "--root", "tests/fixtures/inputs", "--question", QUESTION, "weights/toy"];
    let arguments = [&fixed[..], &[list.to_str().unwrap()]].concat();
    let texts = |lines: &str| -> Vec<String> {
        let text = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["result"]["text"].to_string();
        lines.lines().map(text).collect()
    };
    let (counts, expected) = calls(&arguments);
    assert_eq!(texts(&answer(&arguments, &format!("submit:{}", counts["submit"] / 2))), texts(&expected));
}
