//! The terminal: progress bars and notes on stderr. stdout belongs to results.

use std::fmt::Display;

use indicatif::{ProgressBar, ProgressStyle};

/// Writes one line on stderr, as the command itself: `af2: …`.
pub fn note(text: impl Display) {
    eprintln!("af2: {text}");
}

/// A bar that counts bytes; hidden where stderr is no terminal.
pub fn byte_bar(total: u64, message: &'static str) -> ProgressBar {
    bar(total, "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}").with_message(message)
}

/// A bar that counts things; hidden where stderr is no terminal.
pub fn count_bar(total: u64, message: &'static str) -> ProgressBar {
    bar(total, "{msg} {bar:30} {pos}/{len} {per_sec} {eta} left").with_message(message)
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total).with_style(style)
}
