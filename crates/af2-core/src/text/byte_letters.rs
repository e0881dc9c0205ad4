//! The bytes that a token of byte-level BPE stands for.

/// The bytes a token stands for. Tokens are spelt in byte-level letters; one with any other letter, such as an added
/// token in Chinese, stands for its own UTF-8 (the rule of the byte-level decoder).
pub(super) fn token_bytes(token: &str) -> Vec<u8> {
    let letters: Option<Vec<u8>> = token.chars().map(byte_of_letter).collect();
    letters.unwrap_or_else(|| token.as_bytes().to_vec())
}

/// The inverse of GPT-2's byte alphabet: printable Latin-1 bytes are themselves, the other 68 follow from U+0100 in
/// order: 0–32, 127–160, 173.
fn byte_of_letter(letter: char) -> Option<u8> {
    let code = u32::from(letter);
    let byte = match code {
        33..=126 | 161..=172 | 174..=255 => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 127,
        0x143 => 173,
        _ => return None,
    };
    u8::try_from(byte).ok()
}
