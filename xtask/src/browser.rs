//! `cargo xtask browser`: the tests in real browsers.

use crate::run;
use anyhow::Result;
use clap::Args;

/// Options of `cargo xtask browser`.
#[derive(Args)]
pub struct Options {
    /// Passed on to the test runner, for example a file name or `--grep`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Installs the test runner's packages (no browser is downloaded) and runs every spec of tests/browser.
pub fn run(options: &Options) -> Result<()> {
    let folder = run::root().join("tests/browser");
    if !folder.join("node_modules/.package-lock.json").exists() {
        run::run(&folder, "npm", &["ci", "--no-audit", "--no-fund"])?;
    }
    let mut arguments = vec!["node_modules/@playwright/test/cli.js", "test"];
    arguments.extend(options.arguments.iter().map(String::as_str));
    run::run(&folder, "node", &arguments)
}
