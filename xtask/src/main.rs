//! All automation of this repository: `cargo xtask <command>`.

mod background;
mod baselines;
mod browser;
mod demo;
mod deny;
mod engine;
mod eval;
mod prepare;
mod recipe;
mod run;
mod serve;
mod shipped;
mod shrink;
mod size;
mod sounds;
mod speed;
mod stage;
mod test;
mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Automation of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Asks the demo model about a sample sound, on this machine
    Demo(demo::Options),
    /// Fetches, prepares and mixes the recordings of the demo model
    Sounds(sounds::Options),
    /// Evaluates the demo model: accuracy by question type, beside a blind control
    Eval(eval::Options),
    /// Runs all checks: format, lints, docs, tests, other platforms, browsers
    Test(test::Options),
    /// Checks licences, sources and known vulnerabilities of the dependencies
    Deny,
    /// Builds wasm, npm package and page into web/dist
    Web(web::Options),
    /// Builds the page and serves it on localhost
    Serve(serve::Options),
    /// Runs the golden tests, then measures the released sizes on this machine
    Speed(speed::Options),
    /// Runs the browser tests (needs Chromium, Firefox and the result of `cargo xtask web`)
    Browser(browser::Options),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Sounds(options) => sounds::run(&options),
        Command::Eval(options) => eval::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Deny => deny::run(),
        Command::Web(options) => web::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Speed(options) => speed::run(&options),
        Command::Browser(options) => browser::run(&options),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// clap checks the options of a command only when the command is built.
    #[test]
    fn every_command_line_is_valid() {
        super::Cli::command().debug_assert();
    }
}
