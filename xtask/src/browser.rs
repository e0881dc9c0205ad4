//! `cargo xtask browser`: the tests in real browsers.

use crate::run;
use anyhow::Result;
use clap::Args;
use std::{fs, path::Path};

/// Options of `cargo xtask browser`.
#[derive(Args)]
pub struct Options {
    /// Passed on to the test runner, for example a file name or `--grep`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Installs the test runner's packages (no browser is downloaded), converts the toy model without loss, and runs every
/// spec of tests/browser.
pub fn run(options: &Options) -> Result<()> {
    let root = run::root();
    let folder = root.join("tests/browser");
    if !folder.join("node_modules/.package-lock.json").exists() {
        run::run(&folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    }
    toy_model(&root)?;
    run::run(&folder, "node", &["node_modules/typescript/bin/tsc", "--project", "tsconfig.json"])?;
    let mut arguments = vec!["node_modules/@playwright/test/cli.js", "test"];
    arguments.extend(options.arguments.iter().map(String::as_str));
    run::run(&folder, "node", &arguments)
}

/// target/browser-models/toy-f32, in several shards: the goldens were computed in float32.
fn toy_model(root: &Path) -> Result<()> {
    let out = root.join("target/browser-models/toy-f32");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let out = out.display().to_string();
    let mut arguments =
        vec!["run", "--quiet", "--locked", "--package", "af2-cli", "--", "convert", "tests/fixtures/tiny-a", &out];
    arguments.extend(["--lm", "tests/fixtures/tiny-a/lang_encoder", "--weights", "f32", "--shard-size", "3MB"]);
    run::run(root, "cargo", &arguments)
}
