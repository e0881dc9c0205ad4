//! Lines of bounded length, of files that may be anything.

use std::io::{self, BufRead, Read};

/// One line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line {
    /// Its bytes without the line feed; of a line over the limit, the first ones.
    pub bytes: Vec<u8>,
    /// Whether it has more bytes than the limit.
    pub cut: bool,
    /// Whether a line feed ends it; none ends a torn line.
    pub ended: bool,
}

/// The next line, of which at most `limit` bytes are held in memory; none at the end.
pub(super) fn next_line(reader: &mut impl BufRead, limit: u64) -> io::Result<Option<Line>> {
    let mut line = Line::default();
    if reader.by_ref().take(limit + 1).read_until(b'\n', &mut line.bytes)? == 0 {
        return Ok(None);
    }
    line.ended = line.bytes.pop_if(|byte| *byte == b'\n').is_some();
    line.cut = !line.ended && line.bytes.len() as u64 > limit;
    if line.cut {
        line.ended = skip_line(reader)?;
    }
    Ok(Some(line))
}

/// Reads to the end of a line; whether a line feed ends it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, found) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(used);
        if found || used == 0 {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_at_most_the_limit() {
        let mut reader = &b"four\n\nfive5\nabcdefgh"[..];
        let mut next = || next_line(&mut reader, 4).unwrap();
        let line = |bytes: &[u8], cut, ended| Some(Line { bytes: bytes.to_vec(), cut, ended });
        assert_eq!(next(), line(b"four", false, true));
        assert_eq!(next(), line(b"", false, true));
        assert_eq!(next(), line(b"five5", true, true));
        assert_eq!(next(), line(b"abcde", true, false));
        assert_eq!(next(), None);
    }
}
