//! `cargo xtask deny`: licences, sources and known vulnerabilities of the dependencies, by `.cargo/deny.toml`.

use crate::{prepare, run};
use anyhow::Result;
use std::process::Command;

const CARGO_DENY: &str = "target/tools/bin/cargo-deny";

/// Everything that cargo-deny checks; the advisories only where their database can be reached.
pub fn run() -> Result<()> {
    prepare::linters(false)?;
    let check = |checks: &[&str]| run::run(&run::root(), CARGO_DENY, &[&["--locked", "check"], checks].concat());
    check(&["licenses", "bans", "sources"])?;
    if !fetched() {
        println!("skipped: advisories, because the database of RustSec cannot be reached");
        return Ok(());
    }
    check(&["advisories"])
}

/// Brings the advisories up to date, if their server answers.
fn fetched() -> bool {
    let root = run::root();
    let status = Command::new(root.join(CARGO_DENY)).args(["fetch", "db"]).current_dir(&root).status();
    status.is_ok_and(|status| status.success())
}
