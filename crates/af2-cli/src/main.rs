//! `af2`: Audio Flamingo 2 on the desktop.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 success, 1 the work failed (one line on stderr says
//! what and why), 2 the command line was not understood.

use std::process::ExitCode;

use af2_cli::commands::Command;
use clap::Parser;

/// Ask a sound a question: Audio Flamingo 2 as compute shaders.
#[derive(Parser)]
#[command(name = "af2", version, about, after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("af2: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// clap finds contradictions between options only when a command is built.
    #[test]
    fn every_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
