//! Small files, read whole up to a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file.
///
/// # Errors
/// The file cannot be read, or has more than `limit` bytes.
pub(super) fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}
