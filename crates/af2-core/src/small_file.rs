//! Small text files (JSON, YAML, lists) as bytes: a limit on their length, and the byte order mark that some editors
//! write in front is skipped.

/// Most bytes of a configuration. Real ones stay below 20 KB; 1 MiB of JSON needs at most 32 MiB while it is read.
pub const CONFIG_LIMIT: usize = 1 << 20;

/// UTF-8's byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file has more bytes than any real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has {bytes} bytes; at most {limit} are expected")]
pub struct TooLong {
    /// Bytes of the file.
    pub bytes: usize,
    /// Bytes it may have.
    pub limit: usize,
}

/// The bytes of a file of at most `limit` bytes, without a byte order mark.
///
/// # Errors
/// [`TooLong`].
pub fn body(bytes: &[u8], limit: usize) -> Result<&[u8], TooLong> {
    if bytes.len() > limit { Err(TooLong { bytes: bytes.len(), limit }) } else { Ok(without_bom(bytes)) }
}

/// `bytes` without a byte order mark in front.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}
