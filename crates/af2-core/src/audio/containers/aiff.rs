//! AIFF and AIFF-C.

use super::CUT_SHORT;
use super::bytes::{Order, tag, text};
use super::riff::{data_end, next_chunk};
use crate::audio::codecs::{Codec, Encoding, PcmFormat};
use crate::audio::input::{Bytes, Input};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged};
use crate::audio::track::{Segment, Track};

/// Whether this is an AIFF file.
pub fn is(bytes: &Input) -> bool {
    bytes.starts_with(b"FORM") && matches!(tag(bytes, 8).as_ref(), Some(b"AIFF" | b"AIFC"))
}

/// The track of an AIFF file. Lengths follow the bytes, as in WAV files.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let (mut common, mut data) = (None, None);
    let mut at = 12;
    while let (Some(name), Some(length)) = (tag(bytes, at), Order::Big.u32(bytes, at + 4)) {
        let body = at + 8;
        match &name {
            b"COMM" => common = Some(body),
            b"SSND" => {
                let offset = Order::Big.u32(bytes, body).unwrap_or(0) as usize;
                // The offset and the block size belong to the chunk.
                let start = body.saturating_add(8).saturating_add(offset).min(bytes.len());
                let stated = u64::from(length).saturating_sub(8 + offset as u64);
                let (end, cut) = data_end(bytes, start, stated, Order::Big);
                data = Some((start..end, cut && length != 0));
                if length == 0 {
                    break; // the length was never written: the rest of the file is data
                }
            }
            _ => {}
        }
        at = next_chunk(bytes, body, length.into());
    }
    let Some(common) = common else { return damaged("no COMM chunk") };
    let Some((data, cut)) = data else { return damaged("no SSND chunk") };
    let pcm = format(bytes, common)?;
    let mut track = Track::of(Segment::whole(Codec::Pcm(pcm), Packets::from_iter([data])));
    track.notices.extend(cut.then(|| CUT_SHORT.into()));
    Ok(track)
}

fn format(bytes: &Input, common: usize) -> Result<PcmFormat, Refusal> {
    let (Some(channels), Some(bits)) = (Order::Big.u16(bytes, common), Order::Big.u16(bytes, common + 6)) else {
        return damaged("the COMM chunk is too short");
    };
    let Some(rate) = extended(bytes, common + 8) else { return damaged("the COMM chunk is too short") };
    let compression = if bytes.has(8, b"AIFC") { tag(bytes, common + 18) } else { None };
    let width = usize::from(bits).div_ceil(8);
    let name = compression.unwrap_or(*b"NONE");
    let (encoding, order, width) =
        sample_kind(name, width).ok_or_else(|| Refusal::Unsupported(format!("{} audio in AIFF-C", text(name))))?;
    PcmFormat { encoding, order, width, channels: channels.into(), rate }.checked()
}

/// What the four characters of AIFF-C and QuickTime say about samples of `width` bytes.
pub(super) fn sample_kind(name: [u8; 4], width: usize) -> Option<(Encoding, Order, usize)> {
    use Encoding::{ALaw, Float, MuLaw, Signed, Unsigned};
    Some(match &name.map(|letter| letter.to_ascii_lowercase()) {
        b"none" | b"twos" => (Signed, Order::Big, width),
        b"sowt" => (Signed, Order::Little, width),
        b"raw " => (Unsigned, Order::Big, width),
        b"in24" => (Signed, Order::Big, 3),
        b"in32" => (Signed, Order::Big, 4),
        b"42ni" => (Signed, Order::Little, 3),
        b"23ni" => (Signed, Order::Little, 4),
        b"fl32" => (Float, Order::Big, 4),
        b"fl64" => (Float, Order::Big, 8),
        b"alaw" => (ALaw, Order::Big, 1),
        b"ulaw" => (MuLaw, Order::Big, 1),
        _ => return None,
    })
}

/// The whole part of an 80-bit float; 0 for what is no sample rate.
fn extended(bytes: &(impl Bytes + ?Sized), at: usize) -> Option<u32> {
    let (exponent, mantissa) = (Order::Big.u16(bytes, at)?, Order::Big.u64(bytes, at + 2)?);
    let shift = 16383 + 63 - i32::from(exponent & 0x7fff);
    let whole = if (32..64).contains(&shift) { mantissa >> shift } else { 0 };
    Some(u32::try_from(whole).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_80_bits() {
        assert_eq!(extended(&[0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0][..], 0), Some(44100));
        assert_eq!(extended(&[0x40, 0x0c, 0xfa, 0, 0, 0, 0, 0, 0, 0][..], 0), Some(16000));
        assert_eq!(extended(&[0x7f, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0][..], 0), Some(0));
    }
}
