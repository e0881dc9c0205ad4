//! `af2` as a process of its own, for tests of this package that set its environment or kill it.

use std::process::ExitCode;

use af2_cli::commands::Command;
use af2_cli::terminal;
use clap::Parser;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
