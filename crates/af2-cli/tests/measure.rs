//! `af2 bench`, `tune` and `doctor` as people run them: what they print, store and refuse.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn toy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/toy")
}

fn af2(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_af2")).args(arguments).output().unwrap()
}

fn bench(rest: &[&str]) -> Output {
    af2(&[&["bench", toy().to_str().unwrap()], rest].concat())
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_bench_reports_what_inspect_promises_beside_a_baseline() {
    let rest = [
        "--windows",
        "1",
        "--tokens",
        "3",
        "--prompt-tokens",
        "8",
        "--baseline",
        "cpu",
        "--json",
        "--kernels",
        "wide staged 8 64 64",
    ];
    let (report, promised) = (json(&bench(&rest)), json(&af2(&["inspect", toy().to_str().unwrap(), "--json"])));
    assert_eq!(report["token"]["dispatches"], promised["dispatches_per_token"], "{promised}");
    assert_eq!(report["token"]["audio_bytes_per_window"], promised["audio_bytes_per_window"], "{promised}");
    assert_eq!(report["contexts"][0]["windows"], 1);
    assert_eq!(report["kernels"], "wide staged 8 64 64");
    for part in [
        "/encode/seconds",
        "/contexts/0/seconds_per_token",
        "/token/record_microseconds",
        "/beams/ratio",
        "/baseline/seconds_per_token",
        "/baseline/token_ratio",
    ] {
        assert!(report.pointer(part).and_then(Value::as_f64).is_some_and(|value| value > 0.0), "{part}: {report}");
    }
}

#[test]
fn inspect_counts_for_gpus_that_are_not_here() {
    let inspect =
        |device: &str, rest: &[&str]| af2(&[&["inspect", toy().to_str().unwrap(), "--device", device], rest].concat());
    for device in ["h100", "4090", "m2pro", "xe"] {
        let report = json(&inspect(device, &["--json"]));
        let token = report["device"]["token"].as_array().unwrap();
        let matrices: u64 = token.iter().map(|row| row["count"].as_u64().unwrap()).sum();
        let bytes = |row: &Value| row["count"].as_u64().unwrap() * row["bytes"].as_u64().unwrap();
        assert_eq!(report["device"]["device"], device);
        let (all, of_matrices) = (report["bytes_per_token"].as_u64().unwrap(), token.iter().map(bytes).sum::<u64>());
        assert!((all * 95 / 100..=all).contains(&of_matrices), "all but norms and biases: {of_matrices} of {all}");
        assert_eq!(report["together"][3], serde_json::json!({ "rows": 8, "bytes_per_token": all / 8 }));
        let blocks = report["dispatches_per_token"][0].as_u64().unwrap();
        assert!(matrices > 0 && matrices < blocks, "{matrices} of {blocks} dispatches");
    }
    let table = String::from_utf8(inspect("h100", &[]).stdout).unwrap();
    assert!(table.contains("gate_up_proj") && table.contains("132 multiprocessors"), "{table}");
    let refused = inspect("h200", &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("h100, 4090, m2pro, xe"), "{refused:?}");
}

#[test]
fn the_bench_refuses_what_it_cannot_measure() {
    for (rest, problem) in [
        (["--tokens", "1"], "--tokens must be at least 2"),
        (["--windows", "0"], "--windows takes 1 to 1000"),
        (["--prompt-tokens", "0"], "--prompt-tokens must be at least 1"),
        (["--kernels", "wide 7 64 64"], "is no tuning"),
        #[cfg(not(feature = "burn-wgpu"))]
        (["--baseline", "burn"], "--features burn-wgpu"),
    ] {
        let output = bench(&rest);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = if rest[0] == "--kernels" { 2 } else { 1 }; // no such kernels: the command line is wrong
        assert_eq!((output.status.code(), message.contains(problem)), (Some(code), true), "{message}");
    }
}

#[test]
fn a_tuning_is_stored_where_the_next_run_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("af2/tuning.json");
    let report = json(&af2(&["tune", toy().to_str().unwrap(), "--file", file.to_str().unwrap(), "--json"]));
    let stored: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let (adapter, tuning) = stored.as_object().unwrap().iter().next().unwrap();
    assert!(adapter.contains(report["adapter"].as_str().unwrap()), "{stored}");
    let (tuning, measured) = (tuning.as_str().unwrap(), report["tuning"].as_str().unwrap());
    assert_eq!(tuning.split("; ").next(), Some(measured));
    let matrices = report["matrices"].as_array().unwrap();
    assert_eq!(tuning.split("; ").count() - 1, matrices.len(), "{tuning}");
    // The toy has nine; the staged kernel alone is divided by matrix.
    assert_eq!(matrices.len(), if measured.contains("staged") { 9 } else { 0 }, "{report}");
}

#[test]
fn the_doctor_tells_scripts_that_there_is_no_driver() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.args(["doctor", "--json"]).env("VK_ICD_FILENAMES", "/nonexistent");
    command.env("VK_DRIVER_FILES", "/nonexistent").env("WGPU_BACKEND", "vulkan");
    let report = json(&command.output().unwrap());
    assert_eq!(report["adapters"], serde_json::json!([]));
    assert_eq!(report["used"], report["cpu_engine"]);
}
