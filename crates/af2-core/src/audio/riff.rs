//! Headers of WAV and AIFF files that promise more, or less, than the file holds.

/// Makes the lengths of a WAV file agree with its bytes, as libsndfile does when it opens one.
///
/// Recorders that were interrupted leave 0 or 2^32 − 1 in the header, and a download that broke off leaves a length
/// beyond the end. In all three cases every whole frame that is there counts. Other files are left alone.
pub(super) fn repair_wav_lengths(bytes: &mut [u8]) {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return;
    }
    let riff_length = read_u32(bytes, 4).unwrap_or(0);
    let never_closed = riff_length <= 8;
    write_u32(bytes, 4, u32::MAX);
    if let Some((at, stated)) = find_chunk(bytes, b"data", u32::from_le_bytes) {
        let there = u32::try_from(bytes.len() - at - 8).unwrap_or(u32::MAX);
        let actual = if stated == 0 && never_closed { there } else { stated.min(there) };
        write_u32(bytes, at + 4, actual);
    }
}

/// Channels that the header of a WAV or AIFF file states. One such field sizes every buffer of a decoder.
pub(super) fn stated_channels(bytes: &[u8]) -> Option<u16> {
    let field = |at: usize| Some([*bytes.get(at)?, *bytes.get(at + 1)?]);
    if bytes.starts_with(b"RIFF") {
        let (at, _) = find_chunk(bytes, b"fmt ", u32::from_le_bytes)?;
        field(at + 10).map(u16::from_le_bytes)
    } else if bytes.starts_with(b"FORM") {
        let (at, _) = find_chunk(bytes, b"COMM", u32::from_be_bytes)?;
        field(at + 8).map(u16::from_be_bytes)
    } else {
        None
    }
}

/// Position and stated length of the first chunk with a tag, in a file of either byte order.
fn find_chunk(bytes: &[u8], tag: &[u8; 4], order: fn([u8; 4]) -> u32) -> Option<(usize, u32)> {
    let mut at = 12usize;
    loop {
        let found = bytes.get(at..at + 4)?;
        let length = order(bytes.get(at + 4..at + 8)?.try_into().ok()?);
        if found == tag {
            return Some((at, length));
        }
        let padded = u64::from(length) + u64::from(length & 1) + 8;
        at = at.checked_add(usize::try_from(padded).ok()?).filter(|&next| next < bytes.len())?;
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

fn write_u32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(field) = bytes.get_mut(at..at + 4) {
        field.copy_from_slice(&value.to_le_bytes());
    }
}
