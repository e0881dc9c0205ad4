//! Small files, read whole with a limit.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Serialize;

use super::error::ConvertError;

/// Largest configuration or tokenizer file accepted.
const LIMIT: u64 = 256 << 20;

/// The bytes of a small file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ConvertError> {
    let file = File::open(path).map_err(ConvertError::io("open", path))?;
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(ConvertError::io("read", path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(ConvertError::TooLong { path: path.into(), bytes: bytes.len() as u64, limit: LIMIT });
    }
    Ok(bytes)
}

/// The bytes of a small file that need not exist.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, ConvertError> {
    match read(path) {
        Err(ConvertError::Io { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), ConvertError> {
    fs::write(path, bytes).map_err(ConvertError::io("write", path))
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ConvertError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| ConvertError::io("write", path)(error.into()))?;
    write(path, text.as_bytes())
}
