//! Tags before, between and behind the frames of MP3, AAC and FLAC streams.

use super::bytes::Order;

/// Where a tag that begins at `at` ends; `at` itself if none does.
pub fn skip_tag(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = if rest.starts_with(b"TAG") {
        128
    } else if rest.starts_with(b"APETAGEX") {
        // The length counts everything but the header.
        Order::Little.u32(rest, 12).map_or(0, |length| length as usize + 32)
    } else {
        id3v2(rest).unwrap_or(0)
    };
    at.saturating_add(length).min(bytes.len())
}

/// Where all tags at the start end.
pub fn skip_all(bytes: &[u8]) -> usize {
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
fn id3v2(rest: &[u8]) -> Option<usize> {
    let header: &[u8; 10] = rest.first_chunk()?;
    if !header.starts_with(b"ID3") || header[3] == 0xff || header[6..].iter().any(|byte| *byte > 127) {
        return None;
    }
    let body = header[6..].iter().fold(0, |length, byte| length << 7 | usize::from(*byte));
    Some(10 + body + if header[5] & 0x10 != 0 { 10 } else { 0 })
}
