//! Runs of `af2` under a driver that fails at a chosen call: `layer.c`, compiled once with the system's `cc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Folder of the compiled layer and its manifest.
fn layer() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (here().join("layer.c"), folder.path().join("liblayer.so"));
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-fvisibility=hidden", "-Wl,-z,nodelete", "-o"]).arg(&library).arg(source);
        assert!(cc.status().expect("a C compiler called cc").success());
        let manifest = serde_json::json!({
            "file_format_version": "1.1.2",
            "layer": {
                "name": NAME, "type": "GLOBAL", "library_path": library, "api_version": "1.3.0",
                "implementation_version": "1", "description": "makes one call fail",
            }
        });
        fs::write(folder.path().join("layer.json"), manifest.to_string()).unwrap();
        folder
    });
    folder.path()
}

const NAME: &str = "VK_LAYER_AF2_faults";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

/// Runs `af2` in the repository with the shaders. `fault` is the layer's `AF2_FAULT`; empty for none.
pub fn af2(arguments: &[&str], fault: &str) -> Output {
    command(arguments, fault).output().unwrap()
}

/// The calls of every kind that a run without a fault makes, and what it prints.
pub fn calls(arguments: &[&str]) -> (BTreeMap<String, usize>, String) {
    let counts = tempfile::NamedTempFile::new().unwrap();
    let output = command(arguments, "").env("AF2_FAULT_COUNTS", counts.path()).output().unwrap();
    assert!(output.status.success());
    let count = |line: &str| {
        let (kind, count) = line.split_once(' ').unwrap();
        (kind.to_owned(), count.parse().unwrap())
    };
    let counts = fs::read_to_string(counts.path()).unwrap().lines().map(count).collect();
    (counts, String::from_utf8(output.stdout).unwrap())
}

fn command(arguments: &[&str], fault: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.args(arguments).current_dir(here().join("../../../.."));
    command.env("VK_ADD_LAYER_PATH", layer()).env("VK_INSTANCE_LAYERS", NAME).env("WGPU_BACKEND", "vulkan");
    command.env("AF2_FAULT", fault);
    command
}
