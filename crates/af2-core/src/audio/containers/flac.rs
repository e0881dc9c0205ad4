//! FLAC streams: metadata blocks, then frames without lengths.

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;

use super::bytes::Order;
use crate::audio::codecs::{Codec, coded};
use crate::audio::input::{Bytes, Input};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged};
use crate::audio::track::{Segment, Track};

/// Bytes of a STREAMINFO block.
const STREAM_INFO: usize = 34;

/// Whether a FLAC stream begins here.
pub fn is(bytes: &Input, at: usize) -> bool {
    bytes.has(at, b"fLaC")
}

/// The track of a FLAC stream that begins at `at`.
pub fn open(bytes: &Input, start: usize) -> Result<Track, Refusal> {
    let (mut info, mut at) = (None, start + 4);
    while let Some([head, high, middle, low]) = bytes.array(at) {
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if head & 127 == 127 || at + 4 + length > bytes.len() {
            break; // a frame begins, or a length is wrong: frames are searched from here
        }
        if head & 127 == 0 {
            info = Some(bytes.description(at + 4..at + 4 + length));
        }
        at += 4 + length;
        if head & 128 != 0 {
            break;
        }
    }
    let Some(info) = info else { return damaged("no STREAMINFO block") };
    let (codec, total) = codec(&info)?;
    let packets = frames(bytes, at);
    if packets.is_empty() {
        return damaged("no FLAC frame");
    }
    let mut segment = Segment::whole(codec, packets);
    if total > 0 {
        segment.frames = total;
    }
    Ok(Track::of(segment))
}

/// The codec of a STREAMINFO block, and the frames it states (0 where unknown).
///
/// Its block sizes are replaced by the widest there are: writers leave 0, and the decoder takes them for a limit.
pub(super) fn codec(info: &[u8]) -> Result<(Codec, u64), Refusal> {
    let Some(info) = info.first_chunk::<STREAM_INFO>() else { return damaged("the STREAMINFO block is too short") };
    let packed = Order::Big.u64(&info[..], 10).unwrap_or(0);
    let (rate, channels, total) = ((packed >> 44) as u32, (packed >> 41 & 7) as u16 + 1, packed & 0xf_ffff_ffff);
    let mut configuration = *info;
    configuration[..4].copy_from_slice(&[0, 16, 0xff, 0xff]);
    Ok((Codec::Coded(Box::new(coded(CODEC_ID_FLAC, rate, channels, &configuration))), total))
}

/// A frame header.
#[derive(Clone, Copy)]
struct Header {
    /// Frame number, or number of the first sample in streams of varying block size.
    number: u64,
    /// Codes of rate and sample size and the kind of numbering, which never change within a stream.
    stream: [u8; 3],
}

impl Header {
    fn read(bytes: &Input, at: usize) -> Option<Self> {
        let [0xff, second @ (0xf8 | 0xf9), sizes, channels, first] = bytes.array(at)? else { return None };
        let (block_code, rate_code) = (sizes >> 4, sizes & 15);
        if block_code == 0 || rate_code == 15 || channels >> 4 > 10 || channels & 1 == 1 {
            return None;
        }
        let (number, number_length) = number(bytes, at + 4, first)?;
        let block_length = match block_code {
            6 => 1,
            7 => 2,
            _ => 0,
        };
        let rate_length = match rate_code {
            12 => 1,
            13 | 14 => 2,
            _ => 0,
        };
        let length = 4 + number_length + block_length + rate_length;
        let checked = bytes.read(at..at + length + 1)?.iter().fold(0u8, |crc, byte| crc8(crc ^ byte)) == 0;
        checked.then_some(Self { number, stream: [second, rate_code, channels & 14] })
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        next.number > self.number && next.stream == self.stream
    }
}

/// A number of up to 36 bits in the manner of UTF-8, and its length.
fn number(bytes: &Input, at: usize, first: u8) -> Option<(u64, usize)> {
    let length = match first.leading_ones() as usize {
        0 => return Some((first.into(), 1)),
        1 | 8 => return None,
        length => length,
    };
    let start = u64::from(first) & (0x7f >> length);
    let continuation = bytes.read(at + 1..at + length)?;
    if continuation.iter().any(|byte| byte & 0xc0 != 0x80) {
        return None;
    }
    Some((continuation.iter().fold(start, |value, byte| value << 6 | u64::from(byte & 63)), length))
}

/// One byte of the CRC with polynomial x⁸ + x² + x + 1.
fn crc8(mut value: u8) -> u8 {
    for _ in 0..8 {
        value = value << 1 ^ if value & 128 != 0 { 7 } else { 0 };
    }
    value
}

/// Frames from `start` on: each ends where a header of the same stream with a later number begins. The last one keeps
/// what follows it (tags, padding); the decoder stops before.
fn frames(bytes: &Input, start: usize) -> Packets {
    let mut frames = Packets::default();
    let mut current: Option<(usize, Header)> = None;
    let mut at = start;
    while let Some(found) = bytes.find(at..bytes.len(), 0xff) {
        at = found;
        match (Header::read(bytes, at), current) {
            (Some(header), None) => current = Some((at, header)),
            (Some(header), Some((begin, before))) if before.goes_on_with(&header) => {
                frames.push(begin..at);
                current = Some((at, header));
            }
            _ => {}
        }
        at += 1;
    }
    if let Some((begin, _)) = current {
        frames.push(begin..bytes.len().max(begin));
    }
    frames
}
