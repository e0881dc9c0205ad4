//! AAC: which of its kinds can be decoded, and the ADTS framing of bare streams.

use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;

use super::id3;
use crate::audio::codecs::{Codec, coded};
use crate::audio::input::{Bytes, Input};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const RATES: [u32; 13] = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// The object type of low complexity.
const LOW_COMPLEXITY: u32 = 2;

/// Refuses what the decoder would refuse without saying why, or decode at half the bandwidth: only AAC-LC in one or two
/// channels is decoded. `container_rate` is the rate outside of the configuration.
pub fn check(configuration: &[u8], container_rate: u32) -> Result<(), Refusal> {
    let mut bits = Bits { bytes: configuration, at: 0 };
    let kind = bits.object_type();
    let rate = bits.rate();
    let channels = bits.take(4);
    let (Some(kind), Some(rate), Some(channels)) = (kind, rate, channels) else {
        return damaged("the AAC configuration is too short");
    };
    // Spectral band replication is stated by its own type, behind the configuration, or by half the rate.
    let behind = kind == LOW_COMPLEXITY && {
        bits.take(3);
        bits.take(11) == Some(0x2b7) && bits.object_type() == Some(5) && bits.take(1) == Some(1)
    };
    if matches!(kind, 5 | 29) || behind || (container_rate == 2 * rate && rate <= 24_000) {
        return unsupported("HE-AAC");
    }
    if kind != LOW_COMPLEXITY {
        return unsupported(kind_name(kind));
    }
    check_channels(channels)
}

fn check_channels(configuration: u32) -> Result<(), Refusal> {
    match configuration {
        1 | 2 => Ok(()),
        3..=6 => unsupported(format!("AAC with {configuration} channels")),
        7 => unsupported("AAC with 8 channels"),
        _ => unsupported("AAC with a list of channels of its own"),
    }
}

fn kind_name(kind: u32) -> String {
    match kind {
        1 => "AAC Main".into(),
        3 => "AAC-SSR".into(),
        4 => "AAC-LTP".into(),
        23 => "AAC-LD".into(),
        39 => "AAC-ELD".into(),
        42 => "xHE-AAC".into(),
        other => format!("MPEG-4 audio type {other}"),
    }
}

/// Blocks of a stream that are looked at for spectral band replication.
const LOOKED_AT: usize = 64;

/// Bytes of the longest block: what ADTS can state.
const LONGEST_BLOCK: usize = 1 << 13;

/// Most fill elements at the end of a block; encoders write one or two.
const FILLS: usize = 3;

/// A notice about a stream that says to be AAC-LC at `rate` and is HE-AAC: decoders that know no better are to play its lower half.
pub fn notice(bytes: &Input, packets: &Packets, rate: u32) -> Option<String> {
    let looked_at = packets.len().min(LOOKED_AT);
    let (mut cursor, mut block, mut found) = (packets.start(), Vec::new(), 0);
    for _ in 0..looked_at {
        block.clear();
        if packets.next(&mut cursor, bytes, LONGEST_BLOCK, &mut block) && ends_with_replication(&block) {
            found += 1;
        }
    }
    // Other data look like it in one block of fifty.
    let most = rate / 2;
    (found > 2 && 2 * found > looked_at).then(|| {
        format!("it is HE-AAC, of which only the AAC-LC part is heard, up to {most} Hz; convert it, for example with ffmpeg to WAV")
    })
}

/// Whether a block has a fill element with spectral band replication at its end. The elements before it have no lengths, so it is
/// sought backwards from the end element: three bits of 1, then zeros up to the byte.
fn ends_with_replication(block: &[u8]) -> bool {
    let Some(last) = block.iter().rposition(|&byte| byte != 0) else { return false };
    let end = 8 * last + 8 - block[last].trailing_zeros() as usize;
    end.checked_sub(3).is_some_and(|end| replication_before(block, end, FILLS))
}

/// Whether one of the last `fills` fill elements before the bit `end` holds spectral band replication.
fn replication_before(block: &[u8], end: usize, fills: usize) -> bool {
    let number = |at: usize, count: usize| Bits { bytes: block, at }.take(count);
    // Identifier 6 in three bits; the length in four, or 15 there and the rest in eight more.
    (0..=269usize).any(|length| {
        let Some(content) = end.checked_sub(8 * length) else { return false };
        let (header, expected) =
            if length < 15 { (7, 6 << 4 | length as u32) } else { (15, (6 << 4 | 15) << 8 | (length - 14) as u32) };
        let Some(start) = content.checked_sub(header) else { return false };
        if number(start, header) != Some(expected) {
            return false;
        }
        let replication = length > 0 && matches!(number(content, 4), Some(13 | 14));
        replication || (fills > 1 && replication_before(block, start, fills - 1))
    })
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            kind => Some(kind),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        match self.take(4)? {
            15 => self.take(24),
            index => RATES.get(index as usize).copied(),
        }
    }
}

/// One ADTS header.
#[derive(Clone, Copy, PartialEq)]
struct Header {
    kind: u32,
    rate: u32,
    channels: u32,
    length: usize,
    header_length: usize,
    blocks: u8,
}

impl Header {
    fn read(bytes: &Input, at: usize) -> Option<Self> {
        let head: [u8; 7] = bytes.array(at)?;
        if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
            return None;
        }
        let mut bits = Bits { bytes: &head, at: 16 };
        let kind = bits.take(2)? + 1;
        let rate = *RATES.get(bits.take(4)? as usize)?;
        bits.take(1);
        let channels = bits.take(3)?;
        bits.take(4);
        let length = bits.take(13)? as usize;
        let header_length = if head[1] & 1 == 0 { 9 } else { 7 };
        (length > header_length).then_some(Self { kind, rate, channels, length, header_length, blocks: head[6] & 3 })
    }

    fn same_stream(&self, other: &Self) -> bool {
        (self.kind, self.rate, self.channels) == (other.kind, other.rate, other.channels)
    }

    /// Whether a header of the same stream, or the end, follows.
    fn is_followed(&self, bytes: &Input, at: usize) -> bool {
        let next = at + self.length;
        next == bytes.len() || Self::read(bytes, next).is_some_and(|next| next.same_stream(self))
    }
}

/// Whether an ADTS stream begins here.
pub fn is(bytes: &Input, at: usize) -> bool {
    Header::read(bytes, at).is_some_and(|header| header.is_followed(bytes, at))
}

/// The track of an ADTS stream that begins at `at`.
pub fn open(bytes: &Input, mut at: usize) -> Result<Track, Refusal> {
    let Some(first) = Header::read(bytes, at) else { return damaged("no AAC frame") };
    if first.kind != LOW_COMPLEXITY {
        return unsupported(kind_name(first.kind));
    }
    check_channels(first.channels)?;
    if first.blocks != 0 {
        return unsupported("AAC with several blocks in a frame");
    }
    let (mut packets, mut lost) = (Packets::default(), 0);
    while at < bytes.len() {
        match Header::read(bytes, at).filter(|header| header.same_stream(&first)) {
            Some(header) if at + header.length <= bytes.len() => {
                packets.push(at + header.header_length..at + header.length);
                at += header.length;
            }
            _ if id3::skip_tag(bytes, at) > at => at = id3::skip_tag(bytes, at),
            _ => {
                lost += 1;
                at += 1;
            }
        }
    }
    let parameters = coded(CODEC_ID_AAC, first.rate, first.channels as u16, &[]);
    let hidden = notice(bytes, &packets, first.rate);
    let mut track = Track::of(Segment::whole(Codec::Coded(Box::new(parameters)), packets));
    track.notices.extend(hidden);
    track
        .notices
        .extend((lost > 0).then(|| format!("what is no audio between AAC frames is passed over ({lost} bytes)")));
    Ok(track)
}
