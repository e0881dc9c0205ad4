//! Tables as text, in Markdown.

use std::fmt::{Formatter, Result};

/// Writes lines of cells, the head first. Columns are as wide as their longest cell.
pub(crate) fn write_table(f: &mut Formatter<'_>, lines: &[Vec<String>]) -> Result {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let length = |line: &Vec<String>, column: usize| line.get(column).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> =
        (0..columns).map(|column| lines.iter().map(|line| length(line, column)).max().unwrap_or(0)).collect();
    for (number, line) in lines.iter().enumerate() {
        let cell =
            |(column, width): (usize, &usize)| format!("{:<width$}", line.get(column).map_or("", String::as_str));
        writeln!(f, "| {} |", widths.iter().enumerate().map(cell).collect::<Vec<_>>().join(" | "))?;
        if number == 0 {
            writeln!(f, "| {} |", widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join(" | "))?;
        }
    }
    Ok(())
}

/// The head of a table.
pub(crate) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
