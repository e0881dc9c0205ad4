//! tests/FAULTS.md says what happens when something breaks, and which tests break it: every one of them must exist.

use std::fs;

use crate::workspace::{Source, assert_none, root, sources};

/// The tests of a row's last cell, as (end of the file's path, test): `` `file`: `test`, `test`; `file`: `test` ``.
fn injected(row: &str) -> Vec<(String, String)> {
    let cell = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or_default();
    let mut file = String::new();
    let mut tests = Vec::new();
    // Text in backticks is at odd places, what follows it at even ones.
    let parts: Vec<&str> = cell.split('`').collect();
    for pair in parts[1..].chunks(2) {
        let [quoted, after] = pair else { continue };
        match after.starts_with(':') {
            true => file = (*quoted).to_owned(),
            false => tests.push((file.clone(), (*quoted).to_owned())),
        }
    }
    tests
}

#[test]
fn every_fault_is_injected_by_a_test_that_exists() {
    let text = fs::read_to_string(root().join("tests/FAULTS.md")).expect("tests/FAULTS.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| fault "));
    let files: Vec<Source> =
        [sources("tests", &["rs", "ts"]), sources("crates", &["rs"])].into_iter().flatten().collect();
    let mut missing = Vec::new();
    for row in rows {
        let tests = injected(row);
        if tests.is_empty() {
            missing.push(format!("no test in: {row}"));
        }
        for (file, test) in tests {
            let wanted = if file.ends_with(".rs") { format!("fn {test}(") } else { test.clone() };
            let ending = format!("/{file}");
            let exists = files.iter().any(|source| source.path.ends_with(&ending) && source.text.contains(&wanted));
            if !exists {
                missing.push(format!("{file} has no test `{test}`"));
            }
        }
    }
    assert_none("rows of tests/FAULTS.md:", missing);
}

#[test]
fn cells_are_read_as_they_are_written() {
    let row = "| a | b | c | `x/y.rs`: `one`, `two`; `z.spec.ts`: `three words` |";
    let pairs = [("x/y.rs", "one"), ("x/y.rs", "two"), ("z.spec.ts", "three words")];
    assert_eq!(injected(row), pairs.map(|(file, test)| (file.to_owned(), test.to_owned())));
}
