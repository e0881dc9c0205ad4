//! `af2` as a process: exit codes, what goes to stdout, one line on stderr.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::toy::fixture;

fn af2(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_af2")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

#[test]
fn convert_then_inspect() {
    let dir = TempDir::new().unwrap();
    let (release, out) = (fixture().to_str().unwrap().to_owned(), path(dir.path(), "model"));
    let converted = af2(&["convert", &release, &out, "--weights", "q8", "--shard-size", "512KiB"]);
    assert!(converted.status.success(), "{}", text(&converted.stderr));
    assert_eq!(text(&converted.stderr), "", "no progress bar without a terminal");
    assert!(text(&converted.stdout).contains("2657924 parameters"));
    let inspected = af2(&["inspect", &out, "--json", "--verify"]);
    let report: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(report["parameters"], 2_657_924);
    let part = |name: &str| report["parts"].as_array().unwrap().iter().find(|part| part["part"] == name).unwrap();
    // Decoder and tied head wholly, cross-attention without its three [1024, 128] to_kv matrices at 8.5 bits.
    let read = |name: &str| part(name)["bytes"].as_u64().unwrap();
    let to_kv = 3 * 1024 * 128 * 34 / 32;
    let expected = read("decoder") + read("embedding") + read("cross_attention") - to_kv;
    assert_eq!(report["bytes_per_token"], expected);
    // Three blocks of [64, 1024] float16.
    assert_eq!(report["audio_bytes_per_window"], 3 * 64 * 1024 * 2);
    let table = text(&af2(&["inspect", &out]).stdout);
    assert!(table.contains("cross-attention") && table.contains("2657924"), "{table}");
}

#[test]
fn failures_are_one_line_and_exit_codes_tell_them_apart() {
    let dir = TempDir::new().unwrap();
    let absent = path(dir.path(), "absent");
    for arguments in [vec!["inspect", &absent], vec!["convert", &absent, &path(dir.path(), "out")]] {
        let output = af2(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.starts_with("af2: ") && message.lines().count() == 1, "{message}");
        assert!(message.contains("absent"), "{message}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "a failed conversion leaves nothing");
    assert_eq!(af2(&["convert"]).status.code(), Some(2));
    let scheme = af2(&["convert", "a", "b", "--weights", "q5"]);
    assert_eq!(scheme.status.code(), Some(2));
    assert!(text(&scheme.stderr).contains("f32, f16, q8, q4"));
}
