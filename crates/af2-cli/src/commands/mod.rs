//! The subcommands, one file each: arguments and what is printed.

mod convert;
mod inspect;

use clap::Subcommand;

/// What `af2` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Convert an official release for use here.
    Convert(convert::Arguments),
    /// Describe a converted model.
    Inspect(inspect::Arguments),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Anything that stops the command, as one line naming the thing and the way out.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Convert(arguments) => convert::run(arguments),
            Command::Inspect(arguments) => inspect::run(arguments),
        }
    }
}
