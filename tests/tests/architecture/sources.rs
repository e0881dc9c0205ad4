//! Rules for source files: length, unfinished work, host calls, foreign types, a first line that says what the file is.

use crate::workspace::{Source, assert_none, metadata, sources};

/// A file that grows beyond this holds more than one idea.
const MOST_LINES: usize = 500;

fn written_by_hand() -> Vec<Source> {
    let mut files = sources(".", &["rs", "wgsl", "ts", "tsx", "css"]);
    files.retain(|file| !file.path.contains("/fixtures/"));
    assert!(files.len() > 100, "only {} files were found: the search is broken", files.len());
    files
}

#[test]
fn files_stay_readable() {
    let long = |file: &Source| {
        let lines = file.text.lines().count();
        (lines > MOST_LINES).then(|| format!("{}: {lines} lines", file.path))
    };
    assert_none(&format!("files over {MOST_LINES} lines:"), written_by_hand().iter().filter_map(long).collect());
}

/// Words that say "not done". They are put together here so that this file does not find itself.
fn unfinished() -> [String; 5] {
    ["todo", "unimplemented"]
        .map(|word| format!("{word}!("))
        .into_iter()
        .chain(marks())
        .collect::<Vec<_>>()
        .try_into()
        .expect("two macros and three marks")
}

fn marks() -> [String; 3] {
    [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|parts| parts.concat())
}

#[test]
fn nothing_is_left_unfinished() {
    let mut broken = Vec::new();
    for file in written_by_hand() {
        for (number, line) in file.text.lines().enumerate() {
            let found = unfinished().into_iter().find(|word| line.contains(word.as_str()));
            broken.extend(found.map(|word| format!("{}:{}: {word}", file.path, number + 1)));
        }
    }
    assert_none("unfinished work:", broken);
}

/// Crates whose code runs unchanged in a browser.
const PORTABLE: [&str; 6] = ["af2-core", "af2-convert", "af2-hub", "af2-gpu", "af2-model", "af2-cpu"];
/// What a browser does not have, or what would stop its event loop.
const HOST_ONLY: [&str; 6] =
    ["std::fs", "std::net", "std::process", "std::thread", "pollster::block_on", "std::time::Instant"];

#[test]
fn portable_crates_ask_nothing_of_the_host() {
    let mut broken = Vec::new();
    for package in metadata().members().filter(|package| PORTABLE.contains(&package.name.as_str())) {
        for file in sources(&package.folder().join("src").to_string_lossy(), &["rs"]) {
            broken.extend(host_calls(&file));
        }
    }
    assert_none("portable crates that use the host:", broken);
}

/// Host calls outside of the file's unit tests, which run on the desktop only.
fn host_calls(file: &Source) -> Vec<String> {
    if file.path.ends_with("/testing.rs") {
        return Vec::new();
    }
    let shipped = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = shipped.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let call = |(number, line): (usize, &str)| {
        let found = HOST_ONLY.iter().find(|call| line.contains(*call))?;
        Some(format!("{}:{}: {found}", file.path, number + 1))
    };
    lines.filter_map(call).collect()
}

/// The one crate that speaks to the graphics API, and the one that speaks to the tensor framework.
const IMPORTS: [(&str, &str); 2] = [("wgpu::", "crates/af2-gpu/"), ("burn_tensor::", "crates/af2-cpu/")];

#[test]
fn foreign_types_stay_behind_their_crate() {
    let mut broken = Vec::new();
    for file in sources("crates", &["rs"]) {
        for (import, owner) in IMPORTS.iter().filter(|(_, owner)| !file.path.starts_with(owner)) {
            if file.text.contains(import) {
                broken.push(format!("{} uses `{import}`, which stays in {owner}", file.path));
            }
        }
    }
    assert_none("types of another crate's library:", broken);
}

#[test]
fn every_file_says_what_it_is() {
    let silent = |file: &&Source| file.path.ends_with(".rs") && !file.text.starts_with("//!");
    let files = written_by_hand();
    assert_none(
        "Rust files without a first line `//! …`:",
        files.iter().filter(silent).map(|file| file.path.clone()).collect(),
    );
}
