//! The dialect of WGSL that every implementation accepts, and the shape of a shader file.

use crate::workspace::{Source, assert_none, sources};

/// Words that some implementation refuses: subgroups (naga), f16 (software adapters), immediates (browsers).
const NOT_PORTABLE: [&str; 5] = ["enable ", "requires ", "subgroup", "push_constant", "var<immediate>"];

/// The one text that computes in float16, and its directive: its kernels are used only where an adapter has the type.
const HALF: (&str, &str) = ("tile_half.wgsl", "enable f16;");

/// The texts for matrix units, which browsers do not get, and what they alone may say.
const NATIVE: [&str; 3] = ["common/coop16.wgsl", "common/coop8.wgsl", "linear/matmul_coop.wgsl"];
const NATIVE_WORDS: [&str; 3] = ["enable f16;", "enable wgpu_cooperative_matrix;", "subgroup"];

fn shaders() -> Vec<Source> {
    let files = sources("shaders", &["wgsl"]);
    assert!(files.len() > 30, "only {} shaders were found: the search is broken", files.len());
    files
}

/// The part of a line that is code.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// A row `kernel | suffixes | pasted` of the table of a family, and where it is.
struct Row {
    place: String,
    kernel: String,
    suffixes: Vec<String>,
    pasted: String,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for table in sources("shaders", &["txt"]) {
        let family = table.path.rsplit_once('/').map_or("", |(family, _)| family);
        for (number, line) in table.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let [kernel, suffixes, pasted] = columns[..] else { panic!("{}:{}: {line}", table.path, number + 1) };
            rows.push(Row {
                place: format!("{}:{}", table.path, number + 1),
                kernel: format!("{family}/{kernel}.wgsl"),
                suffixes: suffixes.split_whitespace().map(String::from).collect(),
                pasted: pasted.into(),
            });
        }
    }
    assert!(rows.len() > 10, "only {} rows were found: the search is broken", rows.len());
    rows
}

#[test]
fn shaders_use_the_portable_dialect() {
    let mut broken = Vec::new();
    for file in shaders() {
        for (number, line) in file.text.lines().enumerate() {
            let native = NATIVE.iter().any(|path| file.path.ends_with(path));
            if native && NATIVE_WORDS.iter().any(|word| line.contains(word))
                || file.path.ends_with(HALF.0) && line == HALF.1
            {
                continue;
            }
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

#[test]
fn kernels_and_includes_are_apart() {
    let misplaced = |file: &&Source| file.path.starts_with("shaders/common/") == file.text.contains("@compute");
    let files = shaders();
    assert_none(
        "an entry point in every kernel, none in common/:",
        files.iter().filter(misplaced).map(|file| file.path.clone()).collect(),
    );
}

#[test]
fn tables_and_includes_name_files_that_exist() {
    let files = shaders();
    let exists = |path: &String| files.iter().any(|file| file.path == *path);
    let mut used = Vec::new();
    for row in rows() {
        let pasted = row.suffixes.iter().flat_map(|suffix| {
            row.pasted.split_whitespace().map(|file| format!("shaders/common/{}.wgsl", file.replace('*', suffix)))
        });
        used.extend(pasted.chain([row.kernel.clone()]).map(|path| (row.place.clone(), path)));
    }
    for file in &files {
        let includes = file.text.lines().filter_map(|line| line.strip_prefix("//!include "));
        used.extend(includes.map(|path| (file.path.clone(), format!("shaders/{path}"))));
    }
    let lost = used.iter().filter(|(_, path)| !exists(path));
    assert_none("no such file:", lost.map(|(place, path)| format!("{place}: {path}")).collect());
    let idle =
        |file: &&Source| file.path.starts_with("shaders/common/") && !used.iter().any(|(_, path)| *path == file.path);
    assert_none("pasted by nobody:", files.iter().filter(idle).map(|file| file.path.clone()).collect());
}

#[test]
fn every_kernel_is_launched_by_an_op() {
    let ops = sources("crates/af2-gpu/src/ops", &["rs"]);
    let words: Vec<&str> =
        ops.iter().flat_map(|op| op.text.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    let rows = rows();
    let mut kernels = Vec::new();
    for file in shaders().iter().filter(|file| !file.path.starts_with("shaders/common/")) {
        let name = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".wgsl")).unwrap_or_default();
        let variants: Vec<String> = rows
            .iter()
            .filter(|row| row.kernel == file.path)
            .flat_map(|row| row.suffixes.iter().map(|suffix| format!("{name}_{suffix}")))
            .collect();
        kernels.extend(if variants.is_empty() { vec![name.to_owned()] } else { variants });
    }
    let idle = |kernel: &&String| !words.contains(&kernel.to_uppercase().as_str());
    assert_none("launched by no op:", kernels.iter().filter(idle).cloned().collect());
}
