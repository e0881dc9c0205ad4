//! Runs `af2`, and makes data sets in temporary folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A shipped sound.
pub fn sound(name: &str) -> PathBuf {
    repository().join("weights/demo/sounds").join(name)
}

/// `af2 eval …`, ready to start.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.current_dir(repository()).arg("eval").args(arguments);
    command
}

pub fn eval(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A folder with files of these texts, and copies of these sounds.
pub fn folder(files: &BTreeMap<String, String>, sounds: &[(&str, PathBuf)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    files.iter().for_each(|(name, text)| fs::write(place(name), text).unwrap());
    sounds.iter().for_each(|(name, from)| fs::copy(from, place(name)).map(|_| ()).unwrap());
    folder
}
