//! Checked reads of numbers at a position.

use crate::audio::input::Bytes;

/// Order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

macro_rules! read_as {
    ($name:ident, $type:ty) => {
        /// The number at `at`; `None` beyond the end.
        pub fn $name(self, bytes: &(impl Bytes + ?Sized), at: usize) -> Option<$type> {
            let field = bytes.array(at)?;
            Some(match self {
                Self::Little => <$type>::from_le_bytes(field),
                Self::Big => <$type>::from_be_bytes(field),
            })
        }
    };
}

impl Order {
    read_as!(u16, u16);
    read_as!(u32, u32);
    read_as!(u64, u64);
    read_as!(f64, f64);
}

/// The four characters at `at`.
pub fn tag(bytes: &(impl Bytes + ?Sized), at: usize) -> Option<[u8; 4]> {
    bytes.array(at)
}

/// Whether four bytes can be the name of a chunk.
pub fn is_tag(name: [u8; 4]) -> bool {
    name.iter().all(|byte| (0x20..0x7f).contains(byte)) && name[0] != b' '
}

/// A name of four characters as text, for messages.
pub fn text(name: [u8; 4]) -> String {
    String::from_utf8_lossy(&name).trim().escape_debug().to_string()
}
