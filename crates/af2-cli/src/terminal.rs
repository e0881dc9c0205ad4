//! The terminal: results on stdout; progress bars and notes on stderr. Everything that `af2` prints goes through here, and no stream
//! that is closed or full makes it panic.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

/// Standard output takes no more.
#[derive(Debug, Error)]
#[error("cannot write to standard output")]
pub struct StdoutError(#[source] io::Error);

/// Prints text on stdout at once.
///
/// # Errors
/// stdout is closed or full.
pub fn print(text: impl Display) -> Result<(), StdoutError> {
    let mut out = io::stdout().lock();
    out.write_all(text.to_string().as_bytes()).and_then(|()| out.flush()).map_err(StdoutError)
}

/// Prints a line on stdout.
///
/// # Errors
/// As [`print()`].
pub fn print_line(text: impl Display) -> Result<(), StdoutError> {
    print(format_args!("{text}\n"))
}

/// Whether a command failed because the reader of its stdout left, as `head` does: it wants no message either.
pub fn reader_left(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<StdoutError>(), Some(StdoutError(cause)) if cause.kind() == ErrorKind::BrokenPipe)
}

/// Writes one line on stderr, as the command itself: `af2: …`.
pub fn note(text: impl Display) {
    report(format_args!("af2: {text}"));
}

/// Writes one line on stderr. Where stderr takes nothing, there is no place left to say so.
pub fn report(line: impl Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A bar that counts bytes; hidden where stderr is no terminal.
pub fn byte_bar(total: u64, message: &'static str) -> ProgressBar {
    bar(total, "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}").with_message(message)
}

/// A bar that counts things; hidden where stderr is no terminal.
pub fn count_bar(total: u64, message: &'static str) -> ProgressBar {
    bar(total, "{msg} {bar:30} {pos}/{len} {per_sec} {eta} left").with_message(message)
}

/// A bar that counts windows of audio that lasts `seconds`, one every `hop` seconds; it spins where nobody knows how long that is.
pub fn window_bar(seconds: Option<f64>, hop: f64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let bar = match seconds {
        Some(seconds) => bar((seconds / hop).ceil() as u64, "{msg} {bar:30} {pos}/{len} windows {eta} left"),
        None => bar(0, "{msg} {spinner} {pos} windows"),
    };
    bar.with_message(message)
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}
