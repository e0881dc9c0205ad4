//! `cargo xtask test`: runs all checks, one after another, up to the first that fails. Page and package are built beside the native ones.

use crate::background::Background;
use crate::{prepare, run};
use anyhow::{Context, Result};
use clap::Args;
use std::time::{Duration, Instant};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct Options {
    /// Skip the browser's part
    #[arg(long, conflicts_with = "browser")]
    native: bool,
    /// Run only the browser's part: build wasm, package and page, then test in Chromium and Firefox
    #[arg(long)]
    browser: bool,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
}

/// A title and a command line, which repeats the step alone.
type Step = (&'static str, &'static str);

/// Quick checks first, so that a slip is reported before anything is compiled.
const NATIVE: [Step; 10] = [
    ("format", "cargo fmt --all --check"),
    ("spelling", "target/tools/bin/typos"),
    ("workflows", "target/tools/bin/zizmor --offline --quiet .github"),
    ("dependencies", "cargo xtask deny"),
    ("lints", "cargo clippy --locked --workspace --all-targets -- -D warnings"),
    ("lints, other engine", "cargo clippy --locked --workspace --all-targets --features af2-web/cpu -- -D warnings"),
    ("documentation", "env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps"),
    ("tests", "cargo test --locked --workspace"),
    // Without the CPU engine, as `cargo xtask demo` builds it: Burn has no code of its own per system.
    ("Windows", "cargo check --locked -p af2-cli --no-default-features --target x86_64-pc-windows-msvc"),
    ("macOS", "cargo check --locked -p af2-cli --no-default-features --target aarch64-apple-darwin"),
];

/// In place of the browser's part, which compiles the same crates into the package.
const BROWSER_TARGET: Step = (
    "browser's target",
    "cargo check --locked -p af2-core -p af2-gpu -p af2-model -p af2-web -p af2-import --target wasm32-unknown-unknown",
);

/// The last part of it compiles and links on one core only.
const WEB: Step = ("page and package", "cargo xtask web");
const BROWSER: Step = ("browser tests", "cargo xtask browser");
/// After `cargo test`, which built `af2`. Building it alone would use other features and compile it again.
const BROWSER_AFTER_NATIVE: Step = ("browser tests", "cargo xtask browser --built");

/// Runs the steps and prints a table of their times.
pub fn run(options: &Options) -> Result<()> {
    let steps = prepared(options)?;
    let start = Instant::now();
    let mut times = Vec::new();
    let mut web = (!options.native && !options.browser).then(|| Background::start("web")).transpose()?;
    for (number, step) in steps.iter().enumerate() {
        let (title, line) = step;
        eprintln!("\n== {}/{} {title}", number + 1, steps.len());
        let start = Instant::now();
        let done = match web.take_if(|_| *step == WEB) {
            Some(background) => background.finish(),
            None => perform(line).map(|()| start.elapsed()),
        };
        let time = done.with_context(|| format!("step `{title}` failed; repeat it alone with: {line}"))?;
        times.push((*title, time));
    }
    summarise(&times, start.elapsed());
    Ok(())
}

/// Installs what the steps need and returns them.
fn prepared(options: &Options) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if !options.browser {
        prepare::ensure(&[prepare::VULKAN, prepare::WASM, prepare::WINDOWS, prepare::MACOS], options.yes)?;
        prepare::linters(options.yes)?;
        steps.extend(NATIVE);
    }
    if options.native {
        steps.push(BROWSER_TARGET);
    } else {
        prepare::node()?;
        prepare::ensure(&[prepare::VULKAN, prepare::CHROMIUM, prepare::FIREFOX, prepare::WASM], options.yes)?;
        steps.extend([WEB, if options.browser { BROWSER } else { BROWSER_AFTER_NATIVE }]);
    }
    Ok(steps)
}

fn perform(line: &str) -> Result<()> {
    let words: Vec<&str> = line.split(' ').collect();
    let (program, arguments) = words.split_first().context("an empty step")?;
    run::run(&run::root(), program, arguments)
}

fn summarise(times: &[(&str, Duration)], total: Duration) {
    println!("\nAll {} steps passed:", times.len());
    for (title, time) in times {
        println!("  {title:<20} {:>7.1} s", time.as_secs_f64());
    }
    println!("  {:<20} {:>7.1} s", "all, some together", total.as_secs_f64());
}
