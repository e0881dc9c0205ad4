//! Sony Wave64: RIFF with 16-byte names and 64-bit lengths.

use super::bytes::Order;
use super::riff::data_end;
use super::{CUT_SHORT, wave_format};
use crate::audio::input::{Bytes, Input};
use crate::audio::refusal::{Refusal, damaged};
use crate::audio::track::Track;

const RIFF: [u8; 16] = *b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";
/// What follows the four letters in every other name.
const REST: [u8; 12] = *b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a";
/// A name and the length that counts both.
const HEADER: usize = 24;

/// Whether this is a Wave64 file.
pub fn is(bytes: &Input) -> bool {
    bytes.starts_with(&RIFF)
}

/// The track of a Wave64 file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let mut format = None;
    let mut at = HEADER + 16;
    while let (Some(name), Some(length)) = (bytes.array::<16>(at), Order::Little.u64(bytes, at + 16)) {
        let body = at + HEADER;
        let stated = length.saturating_sub(HEADER as u64);
        let end = usize::try_from(stated).ok().and_then(|length| body.checked_add(length)).unwrap_or(usize::MAX);
        if name[4..] == REST && &name[..4] == b"fmt " {
            format = Some(bytes.description(body..end));
        } else if name[4..] == REST && &name[..4] == b"data" {
            let Some(format) = format.as_deref() else { return damaged("the format comes after the data") };
            let (end, cut) = data_end(bytes, body, stated, Order::Little);
            let mut track = wave_format::track(format, Order::Little, body..end)?;
            track.notices.extend(cut.then(|| CUT_SHORT.into()));
            return Ok(track);
        }
        at = match end.checked_next_multiple_of(8) {
            Some(next) if next > at => next,
            _ => break,
        };
    }
    damaged("no data chunk")
}
