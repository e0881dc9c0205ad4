//! Questions on a terminal.

use std::io::{self, BufRead, IsTerminal, Write};

/// Asks and reads one line; `None` where nobody is there to answer.
///
/// # Errors
/// The terminal cannot be read.
pub fn confirm(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}
