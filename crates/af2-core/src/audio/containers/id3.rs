//! Tags before, between and behind the frames of MP3, AAC and FLAC streams.

use super::bytes::Order;
use crate::audio::input::{Bytes, Input};

/// Where a tag that begins at `at` ends; `at` itself if none does.
pub fn skip_tag(bytes: &Input, at: usize) -> usize {
    let length = match bytes.array(at) {
        Some([b'T', b'A', b'G']) => 128,
        Some([b'A', b'P', b'E']) if bytes.has(at, b"APETAGEX") => {
            // The length counts everything but the header.
            Order::Little.u32(bytes, at + 12).map_or(0, |length| (length as usize).saturating_add(32))
        }
        Some([b'I', b'D', b'3']) => id3v2(bytes, at).unwrap_or(0),
        _ => 0,
    };
    at.saturating_add(length).min(bytes.len())
}

/// Where all tags at the start end.
pub fn skip_all(bytes: &Input) -> usize {
    let mut at = 0;
    loop {
        let next = skip_tag(bytes, at);
        if next == at {
            return at;
        }
        at = next;
    }
}

/// Length of an ID3v2 tag of any version: four bytes of 7 bits, header and footer not counted.
fn id3v2(bytes: &Input, at: usize) -> Option<usize> {
    let header: [u8; 10] = bytes.array(at)?;
    if header[3] == 0xff || header[6..].iter().any(|byte| *byte > 127) {
        return None;
    }
    let body = header[6..].iter().fold(0, |length, byte| length << 7 | usize::from(*byte));
    Some(10 + body + if header[5] & 0x10 != 0 { 10 } else { 0 })
}
