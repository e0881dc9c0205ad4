//! The build of the shaders: variants by table, and all mistakes of a build reported at once, each with its file and line.
#![allow(clippy::unwrap_used)]

#[path = "../build/check.rs"]
mod check;
#[path = "../build/collect.rs"]
mod collect;

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of shaders, made anew.
fn shaders(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root); // from an earlier run
    for (path, text) in files {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

const MAIN: &str = "@compute @workgroup_size(1)\nfn main() { let x = value(); }\n";

#[test]
fn a_table_names_the_variants_of_a_kernel() {
    let root = shaders(
        "variants",
        &[
            ("common/value_one.wgsl", "fn value() -> f32 { return 1.0; }\n"),
            ("common/value_two.wgsl", "fn value() -> f32 { return 2.0; }\n"),
            ("sums/add.wgsl", MAIN),
            ("sums/plain.wgsl", &format!("//!include common/value_one.wgsl\n//!include common/value_one.wgsl\n{MAIN}")),
            ("sums/variants.txt", "# kernel | suffixes | pasted\n\nadd | one two | value_*\n"),
        ],
    );
    let found = check::checked(&root).map_err(|problems| format!("{problems:?}")).unwrap();
    let names: Vec<String> = found.iter().map(|(kernel, _)| format!("{}/{}", kernel.family, kernel.name)).collect();
    assert_eq!(names, ["sums/add_one", "sums/add_two", "sums/plain"]);
    for ((kernel, module), value) in found.iter().zip(["1.0", "2.0", "1.0"]) {
        assert_eq!(kernel.text.matches("fn value").count(), 1, "{}", kernel.text);
        assert!(kernel.text.contains(value), "{}", kernel.text);
        assert_eq!(module.entry_points.len(), 1);
    }
}

#[test]
fn all_mistakes_are_reported_at_their_own_place() {
    let root = shaders(
        "broken",
        &[
            ("common/value_good.wgsl", "fn value() -> f32 { return 1.0; }\n"),
            ("common/value_bad.wgsl", "// A type error.\nfn value() -> f32 { return 1u; }\n"),
            ("a/parse.wgsl", "//!include common/value_good.wgsl\n\nfn main( {\n"),
            ("a/valid.wgsl", &format!("//!include common/value_good.wgsl\n{MAIN}")),
            ("b/add.wgsl", MAIN),
            ("b/lost.wgsl", &format!("// Header.\n//!include common/nowhere.wgsl\n{MAIN}")),
            ("b/none.wgsl", "fn other() {}\n"),
            ("b/twice.wgsl", &format!("//!include common/value_bad.wgsl\n{MAIN}")),
            ("b/variants.txt", "add | bad good | value_*\nadd | odd\nmissing | good | value_*\n"),
        ],
    );
    let problems = check::checked(&root).err().expect("mistakes are found");
    let place = |problem: &collect::Problem| {
        let (file, line) = &problem.place;
        format!("{}:{line}", file.strip_prefix(&root).unwrap().display())
    };
    let places: Vec<String> = problems.iter().map(place).collect();
    let expected = [
        "a/parse.wgsl:3",
        "b/lost.wgsl:2",
        "b/lost.wgsl:4",
        "b/none.wgsl:1",
        "b/variants.txt:2",
        "b/variants.txt:3",
        "common/value_bad.wgsl:2",
    ];
    assert_eq!(places, expected, "{problems:#?}");
    assert!(problems[1].to_string().contains("cannot read"), "{}", problems[1]);
    assert!(problems[6].text.contains("with includes pasted"), "{}", problems[6]);
}
