//! Text from ids as they come, never half a character.

use super::Tokenizer;
use super::byte_letters::token_bytes;

/// Turns ids into text delta after delta.
///
/// The deltas, [`TextStream::finish`] included, concatenate to exactly what [`Tokenizer::decode`] gives with special
/// tokens kept. A character whose bytes are spread over several tokens is held back until it is whole or can no
/// longer become valid.
pub struct TextStream {
    tokenizer: Tokenizer,
    /// At most three bytes between calls: the start of a character.
    pending: Vec<u8>,
}

impl TextStream {
    /// A stream at its start.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { tokenizer: tokenizer.clone(), pending: Vec::new() }
    }

    /// The text that `id` completes, if any; an id without a token adds nothing.
    pub fn push(&mut self, id: u32) -> Option<String> {
        self.pending.extend(token_bytes(&self.tokenizer.token(id)?));
        let text = take_decodable(&mut self.pending);
        (!text.is_empty()).then_some(text)
    }

    /// What is left when no more ids come: U+FFFD for a character that never became whole.
    pub fn finish(&mut self) -> Option<String> {
        let rest = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        (!rest.is_empty()).then_some(rest)
    }
}

/// Takes from the front of `bytes` all that later bytes cannot change, invalid sequences as U+FFFD.
fn take_decodable(bytes: &mut Vec<u8>) -> String {
    let end = bytes.len() - unfinished_tail(bytes);
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    bytes.drain(..end);
    text
}

/// Length of the start of a character at the end of `bytes` that more bytes could complete, else 0.
fn unfinished_tail(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Err(error) = std::str::from_utf8(rest) {
        let from = &rest[error.valid_up_to()..];
        match error.error_len() {
            Some(invalid) => rest = &from[invalid..],
            // The standard library gives no length only to a sequence that the end of input cuts short.
            None => return from.len(),
        }
    }
    0
}
