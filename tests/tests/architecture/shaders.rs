//! The dialect of WGSL that every implementation accepts, and the shape of a shader file.

use crate::workspace::{Source, assert_none, sources};

/// Words that some implementation refuses: subgroups (naga), f16 (software adapters), immediates (browsers).
const NOT_PORTABLE: [&str; 5] = ["enable ", "requires ", "subgroup", "push_constant", "var<immediate>"];

fn shaders() -> Vec<Source> {
    let files = sources("shaders", &["wgsl"]);
    assert!(files.len() > 30, "only {} shaders were found: the search is broken", files.len());
    files
}

/// The part of a line that is code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn shaders_use_the_portable_dialect() {
    let mut broken = Vec::new();
    for file in shaders() {
        for (number, line) in file.text.lines().enumerate() {
            let found = NOT_PORTABLE.iter().find(|word| code(line).contains(*word));
            broken.extend(found.map(|word| format!("{}:{}: {}", file.path, number + 1, word.trim())));
        }
    }
    assert_none("not every WebGPU has these:", broken);
}

#[test]
fn shaders_start_with_what_they_compute() {
    let silent = |file: &&Source| !file.text.starts_with("// ");
    let files = shaders();
    assert_none("shaders without a header:", files.iter().filter(silent).map(|file| file.path.clone()).collect());
}

#[test]
fn shaders_lie_in_a_family() {
    let stray = |file: &&Source| file.path.split('/').count() != 3;
    let files = shaders();
    assert_none(
        "the build reads shaders/FAMILY/NAME.wgsl:",
        files.iter().filter(stray).map(|file| file.path.clone()).collect(),
    );
}
