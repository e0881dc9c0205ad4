//! `cargo xtask browser`: runs the tests of `tests/browser` in Chromium and Firefox.

use crate::run;
use anyhow::{Result, bail};
use clap::Args;
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

/// Vulkan manifest of SwiftShader in Debian's Chromium. `SWIFTSHADER_ICD` overrides it.
const SWIFTSHADER: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";

/// Options of `cargo xtask browser`.
#[derive(Args)]
pub struct Options {
    /// Use the `af2` and the hub that `cargo test` built
    #[arg(long)]
    built: bool,
    /// Passed on to the test runner, for example a file name or `--grep`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Installs the test runner's packages (no browser), converts the toy model to f32, writes the expected values, and runs
/// the specs of tests/browser.
pub fn run(options: &Options) -> Result<()> {
    let root = run::root();
    let folder = root.join("tests/browser");
    if !folder.join("node_modules/.package-lock.json").exists() {
        run::run(&folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    }
    let af2 = binary(&root, options.built)?;
    toy_model(&root, &af2)?;
    expected_counts(&root, &af2)?;
    native_trace(&root, &af2)?;
    run::run(&folder, "node", &["node_modules/typescript/bin/tsc", "--project", "tsconfig.json"])?;
    let mut arguments = vec!["node_modules/@playwright/test/cli.js", "test"];
    arguments.extend(options.arguments.iter().map(String::as_str));
    run::run(&folder, "node", &arguments)
}

/// Path of `af2`. It and the hub that imports are tested with are built, unless `built` says that they exist.
fn binary(root: &Path, built: bool) -> Result<String> {
    if !built {
        run::run(root, "cargo", &["build", "--locked", "--package", "af2-cli"])?;
        run::run(root, "cargo", &["build", "--locked", "--package", "af2-tests", "--bin", "hub"])?;
    }
    Ok(run::target(root).join("debug").join(format!("af2{}", env::consts::EXE_SUFFIX)).display().to_string())
}

/// Writes target/browser-models/toy-f32, in several shards. The goldens are float32.
fn toy_model(root: &Path, af2: &str) -> Result<()> {
    let out = root.join("target/browser-models/toy-f32");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let out = out.display().to_string();
    let mut arguments = vec!["convert", "tests/fixtures/tiny-a", &out];
    arguments.extend(["--lm", "tests/fixtures/tiny-a/lang_encoder", "--weights", "f32", "--shard-size", "3MB"]);
    run::run(root, af2, &arguments)
}

/// Writes target/browser-models/toy-f32.json: the counts of `af2 inspect`.
fn expected_counts(root: &Path, af2: &str) -> Result<()> {
    let model = "target/browser-models/toy-f32";
    let output =
        Command::new(af2).args(["inspect", model, "--json"]).current_dir(root).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`{af2} inspect {model} --json` failed ({})", output.status);
    }
    Ok(fs::write(root.join(format!("{model}.json")), output.stdout)?)
}

/// Writes target/browser-models/native-swiftshader.safetensors: the trace of the native build on Chromium's own driver.
fn native_trace(root: &Path, af2: &str) -> Result<()> {
    let driver = env::var("SWIFTSHADER_ICD").unwrap_or_else(|_| SWIFTSHADER.into());
    if !Path::new(&driver).exists() {
        bail!(
            "{driver} is missing: install Debian's chromium, or name SwiftShader's Vulkan manifest in SWIFTSHADER_ICD"
        );
    }
    let (old, new) = (format!("VK_ICD_FILENAMES={driver}"), format!("VK_DRIVER_FILES={driver}"));
    let mut arguments = vec![old.as_str(), &new, af2];
    arguments.extend(["trace", "target/browser-models/toy-f32", "tests/fixtures/inputs/speech_16k_mono.wav"]);
    arguments.extend(["Caption the input audio.", "--out", "target/browser-models/native-swiftshader.safetensors"]);
    run::run(root, "env", &arguments)
}
