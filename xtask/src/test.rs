//! `cargo xtask test`: runs all checks up to the first that fails. Page and package are built beside the native checks, and the browser's
//! tests run beside the native ones.

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

/// A title and a command line, which repeats the step alone; of this program where it runs beside others.
type Step = (&'static str, &'static str);

/// Quick checks first, so that a slip is reported before anything is compiled. Then all that compiles, while page and package are built.
const CHECKS: [Step; 11] = [
    ("format", "cargo fmt --all --check"),
    ("spelling", "target/tools/bin/typos"),
    ("workflows", "target/tools/bin/zizmor --offline --quiet .github"),
    ("dependencies", "cargo xtask deny"),
    ("lints", "cargo clippy --locked --workspace --all-targets -- -D warnings"),
    ("lints, other engine", "cargo clippy --locked --workspace --all-targets --features af2-web/cpu -- -D warnings"),
    // With examples, which need what tests need: without, a hundred dependencies would get fewer features and be checked again.
    ("documentation", "env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps --lib --bins --examples"),
    // Without the CPU engine, as `cargo xtask demo` builds it: Burn has no code of its own per system.
    ("Windows", "cargo check --locked -p af2-cli --no-default-features --target x86_64-pc-windows-msvc"),
    ("macOS", "cargo check --locked -p af2-cli --no-default-features --target aarch64-apple-darwin"),
    // On its own, as `cargo xtask` itself is built: in one build with the others its dependencies would get other features and be compiled again.
    ("tests of xtask", "cargo test --locked -p xtask"),
    ("build of the tests", "cargo test --locked --workspace --exclude xtask --no-run"),
];

/// In place of the browser's part, which compiles the same crates into the package.
const BROWSER_TARGET: Step = (
    "browser's target",
    "cargo check --locked -p af2-core -p af2-gpu -p af2-model -p af2-web -p af2-import --target wasm32-unknown-unknown",
);
const TESTS: Step = ("tests", "cargo test --locked --workspace --exclude xtask");

/// Runs beside the checks: its last part compiles and links on one core only.
const WEB: Step = ("page and package", "web");
/// Runs beside the native tests: either lane leaves a core idle now and then. After the build of the tests, which built `af2`; building it
/// alone would use other features and compile it again.
const BROWSER_AFTER_NATIVE: Step = ("browser tests", "browser --built");

/// `cargo xtask test --browser`.
const BROWSER_ALONE: [Step; 2] = [(WEB.0, "cargo xtask web"), (BROWSER_AFTER_NATIVE.0, "cargo xtask browser")];

/// Runs the steps and prints a table of their times.
pub fn run(options: &Options) -> Result<()> {
    prepare(options)?;
    let mut run = Run { start: Instant::now(), times: Vec::new() };
    if options.browser {
        BROWSER_ALONE.iter().try_for_each(|step| run.step(step))?;
    } else if options.native {
        CHECKS.iter().chain([&BROWSER_TARGET, &TESTS]).try_for_each(|step| run.step(step))?;
    } else {
        let web = Background::start(WEB.1)?;
        CHECKS.iter().try_for_each(|step| run.step(step))?;
        run.join(&WEB, web)?;
        let browser = Background::start(BROWSER_AFTER_NATIVE.1)?;
        run.step(&TESTS)?;
        run.join(&BROWSER_AFTER_NATIVE, browser)?;
    }
    run.summarise();
    Ok(())
}

/// Installs what the steps need.
fn prepare(options: &Options) -> Result<()> {
    if !options.browser {
        prepare::ensure(&[prepare::VULKAN, prepare::WASM, prepare::WINDOWS, prepare::MACOS], options.yes)?;
        prepare::linters(options.yes)?;
    }
    if !options.native {
        prepare::node()?;
        prepare::ensure(&[prepare::VULKAN, prepare::CHROMIUM, prepare::FIREFOX, prepare::WASM], options.yes)?;
    }
    Ok(())
}

/// The steps so far.
struct Run {
    start: Instant,
    times: Vec<(&'static str, Duration)>,
}

impl Run {
    fn step(&mut self, (title, line): &Step) -> Result<()> {
        self.announce(title);
        let start = Instant::now();
        perform(line).with_context(|| format!("step `{title}` failed; repeat it alone with: {line}"))?;
        self.times.push((title, start.elapsed()));
        Ok(())
    }

    /// Waits for a step that runs beside others.
    fn join(&mut self, (title, command): &Step, background: Background) -> Result<()> {
        self.announce(title);
        let time = background
            .finish()
            .with_context(|| format!("step `{title}` failed; repeat it alone with: cargo xtask {command}"))?;
        self.times.push((title, time));
        Ok(())
    }

    fn announce(&self, title: &str) {
        eprintln!("\n== {:.0} s: {title}", self.start.elapsed().as_secs_f64());
    }

    fn summarise(&self) {
        println!("\nAll {} steps passed:", self.times.len());
        for (title, time) in &self.times {
            println!("  {title:<20} {:>7.1} s", time.as_secs_f64());
        }
        println!("  {:<20} {:>7.1} s", "all, some together", self.start.elapsed().as_secs_f64());
    }
}

fn perform(line: &str) -> Result<()> {
    let words: Vec<&str> = line.split(' ').collect();
    let (program, arguments) = words.split_first().context("an empty step")?;
    run::run(&run::root(), program, arguments)
}
