//! `af2`: Audio Flamingo 2 on the desktop.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 success, 1 the work failed (one line on stderr names the cause),
//! 2 the command line was not understood.

#![warn(clippy::print_stdout, clippy::print_stderr)] // `terminal` prints

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use af2_cli::commands::Command;
use af2_cli::{panics, terminal};
use clap::Parser;

/// Ask questions about audio: Audio Flamingo 2 as compute shaders.
#[derive(Parser)]
#[command(name = "af2", version, about, after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    silence_device_select();
    let command = Cli::parse().command;
    panics::tell_in_one_line();
    match std::panic::catch_unwind(AssertUnwindSafe(|| command.run())) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) if !terminal::reader_left(&error) => terminal::note(format_args!("{error:#}")),
        Ok(Err(_)) | Err(_) => {} // nobody reads on; or the panic was told when it happened
    }
    ExitCode::FAILURE
}

/// Restarts the process without Mesa's device-select layer where that layer would only print noise.
///
/// wgpu enables Vulkan's Wayland extension whether or not anything is drawn. The layer then connects to a compositor to learn its
/// GPU, and where there is no session (`XDG_RUNTIME_DIR` is unset: containers, services) libwayland complains on stderr at every
/// listing of adapters. The layer can be disabled by an environment variable only, which must be set before threads start.
#[cfg(target_os = "linux")]
fn silence_device_select() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    let session = env::var_os("XDG_RUNTIME_DIR").is_some_and(|dir| Path::new(&dir).is_absolute());
    let configured = |name| env::var_os(name).is_some();
    if session || ["NODEVICE_SELECT", "MESA_VK_DEVICE_SELECT", "DRI_PRIME"].into_iter().any(configured) {
        return;
    }
    let mut arguments = env::args_os();
    if let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) {
        // Returns only if it fails; then the noise is all that is lost.
        let _ = Command::new(program).arg0(name).args(arguments).env("NODEVICE_SELECT", "1").exec();
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// clap finds contradictions between options only when a command is built.
    #[test]
    fn every_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
