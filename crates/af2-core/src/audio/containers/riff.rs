//! WAV: RIFF, its 64-bit forms RF64 and BW64, and its big-endian form RIFX.
//!
//! Lengths follow the bytes rather than the headers, as in libsndfile: recorders that were interrupted leave 0 or
//! 2^32 − 1, pipes never know the length, and downloads break off.

use super::bytes::{Order, is_tag, tag};
use super::{CUT_SHORT, wave_format};
use crate::audio::input::Input;
use crate::audio::refusal::{Refusal, damaged};
use crate::audio::track::Track;

/// Lengths from here on are what writers state that do not know: 2^31 and 2^32 less a header.
const UNKNOWN_LENGTH: u64 = 0x7fff_0000;

/// Whether this is a WAV file.
pub fn is(bytes: &Input) -> bool {
    let form = matches!(tag(bytes, 0).as_ref(), Some(b"RIFF" | b"RF64" | b"BW64" | b"RIFX"));
    form && tag(bytes, 8).as_ref() == Some(b"WAVE")
}

/// The track of a WAV file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let order = if bytes.starts_with(b"RIFX") { Order::Big } else { Order::Little };
    let (mut format, mut long_length) = (None, None);
    let mut at = 12;
    while let (Some(name), Some(length)) = (tag(bytes, at), order.u32(bytes, at + 4)) {
        let (body, stated) = (at + 8, u64::from(length));
        match &name {
            b"ds64" => long_length = order.u64(bytes, body + 8),
            b"fmt " => format = Some(bytes.description(body..body.saturating_add(length as usize))),
            b"data" => {
                let Some(format) = format.as_deref() else { return damaged("the format comes after the data") };
                let stated = if length == u32::MAX { long_length.unwrap_or(stated) } else { stated };
                let (end, cut) = data_end(bytes, body, stated, order);
                let mut track = wave_format::track(format, order, body..end)?;
                track.notices.extend(cut.then(|| CUT_SHORT.into()));
                return Ok(track);
            }
            _ => {}
        }
        at = next_chunk(bytes, body, stated);
    }
    damaged("no data chunk")
}

/// Where the data ends, and whether the file ends before it.
pub(super) fn data_end(bytes: &Input, start: usize, stated: u64, order: Order) -> (usize, bool) {
    let there = bytes.len() - start.min(bytes.len());
    match usize::try_from(stated) {
        // 0 is a length that was never written, unless another chunk follows: then the chunk is empty.
        Ok(0) if !chunk_at(bytes, start, order) => (bytes.len(), false),
        Ok(length) if length <= there => (start + length, false),
        _ => (bytes.len(), stated < UNKNOWN_LENGTH),
    }
}

/// Whether a chunk that fits in the file begins here.
fn chunk_at(bytes: &Input, at: usize, order: Order) -> bool {
    let length = order.u32(bytes, at + 4).unwrap_or(u32::MAX);
    tag(bytes, at).is_some_and(is_tag) && at as u64 + 8 + u64::from(length) <= bytes.len() as u64
}

/// Chunks begin at even positions, but some writers forget the padding.
pub(super) fn next_chunk(bytes: &Input, body: usize, length: u64) -> usize {
    let end = usize::try_from(length).ok().and_then(|length| body.checked_add(length)).unwrap_or(usize::MAX);
    let padded = end.saturating_add((length & 1) as usize);
    let unpadded = padded != end && !tag(bytes, padded).is_some_and(is_tag) && tag(bytes, end).is_some_and(is_tag);
    if unpadded { end } else { padded }
}
