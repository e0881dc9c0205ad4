//! Sun and NeXT `.au` files.

use super::CUT_SHORT;
use super::bytes::Order;
use crate::audio::codecs::{Codec, Encoding, PcmFormat};
use crate::audio::input::Input;
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

/// Whether this is an AU file, of either byte order.
pub fn is(bytes: &Input) -> bool {
    bytes.starts_with(b".snd") || bytes.starts_with(b"dns.")
}

/// The track of an AU file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let order = if bytes.starts_with(b"dns.") { Order::Little } else { Order::Big };
    let field = |index: usize| order.u32(bytes, 4 * index);
    let (Some(start), Some(stated), Some(kind), Some(rate), Some(channels)) =
        (field(1), field(2), field(3), field(4), field(5))
    else {
        return damaged("the header is too short");
    };
    let (encoding, width) = match kind {
        1 => (Encoding::MuLaw, 1),
        2..=5 => (Encoding::Signed, kind as usize - 1),
        6 => (Encoding::Float, 4),
        7 => (Encoding::Float, 8),
        27 => (Encoding::ALaw, 1),
        23..=26 => return unsupported("G.721 or G.723 ADPCM"),
        other => return unsupported(format!("AU encoding {other}")),
    };
    let pcm = PcmFormat { encoding, order, width, channels: channels as usize, rate }.checked()?;
    let start = (start as usize).clamp(24, bytes.len().max(24)).min(bytes.len());
    let there = bytes.len() - start;
    // A length of 0 or 2^32 − 1 was never written.
    let known = !matches!(stated, 0 | u32::MAX);
    let length = if known { there.min(stated as usize) } else { there };
    let samples = start..start + length;
    let mut track = Track::of(Segment::whole(Codec::Pcm(pcm), Packets::from_iter([samples])));
    track.notices.extend((known && stated as usize > there).then(|| CUT_SHORT.into()));
    Ok(track)
}
