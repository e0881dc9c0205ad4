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

/// Names of everything in a folder, hidden ones too.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn convert(release: &str, out: &str) -> Output {
    af2(&["convert", release, out, "--weights", "q8"])
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let dir = TempDir::new().unwrap();
    let (release, out) = (fixture().to_str().unwrap().to_owned(), path(dir.path(), "model"));
    let mut killed = Command::new(env!("CARGO_BIN_EXE_af2")).args(["synth", "0.5b", &out]).spawn().unwrap();
    let hidden = dir.path().join(".model.partial");
    while !hidden.join("safe_ckpt").exists() {
        assert!(killed.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let both = convert(&release, &out);
    assert!(text(&both.stderr).contains("another run is writing"), "{}", text(&both.stderr));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(names(dir.path()), [".model.partial"]);

    let beside = convert(&release, &path(dir.path(), "other"));
    assert!(
        beside.status.success() && text(&beside.stderr).contains(".model.partial is left of a run that was killed")
    );
    let next = convert(&release, &out);
    assert!(next.status.success() && text(&next.stderr).contains("removing"), "{}", text(&next.stderr));
    assert_eq!(names(dir.path()), ["model", "other"]);
    assert_eq!(names(&dir.path().join("model")), names(&dir.path().join("other")));
}

#[test]
fn an_empty_folder_is_filled_where_it_is() {
    let dir = TempDir::new().unwrap();
    let release = fixture().canonicalize().unwrap();
    let release = release.to_str().unwrap();
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut here = Command::new(env!("CARGO_BIN_EXE_af2"));
    let output = here.args(["convert", release, "."]).current_dir(&empty).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(names(&empty).contains(&"model.safetensors.index.json".to_owned()), "{:?}", names(&empty));
    assert!(!names(&empty).iter().any(|name| name.starts_with('.')), "{:?}", names(&empty));
    let full = convert(release, empty.to_str().unwrap());
    assert!(text(&full.stderr).contains("is not empty"), "{}", text(&full.stderr));
    let failed = dir.path().join("failed");
    std::fs::create_dir(&failed).unwrap();
    assert_eq!(convert("absent", failed.to_str().unwrap()).status.code(), Some(1));
    assert_eq!(names(&failed).len(), 0, "a failed conversion leaves the folder as it was");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("failed", dir.path().join("link")).unwrap();
        assert!(convert(release, &path(dir.path(), "link")).status.success());
        assert_eq!(names(&failed), names(&empty));
    }
}
