//! MPEG audio streams (MP3): frames, and the tags in them that tell encoder delay and padding.

use std::ops::Range;

use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;

use super::bytes::Order;
use super::{CUT_SHORT, id3};
use crate::audio::codecs::{Codec, coded};
use crate::audio::input::{Bytes, Input};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

/// Bytes searched for the first frame: a file may begin with padding.
const SEARCH: usize = 1 << 20;

/// Frames that must follow each other to be taken for a stream.
const CONFIRMED: usize = 3;

/// Delay of every decoder, which encoders do not count.
const DECODER_DELAY: u64 = 529;

/// Kilobits per second, layers 1 to 3, of version 1 and of the others.
const RATES_V1: [[u16; 14]; 3] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
];
const RATES_V2: [[u16; 14]; 3] = [
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// A frame header.
#[derive(Clone, Copy)]
struct Header {
    first_version: bool,
    layer: usize,
    rate: u32,
    channels: u16,
    length: usize,
}

impl Header {
    fn read(bytes: &Input, at: usize) -> Option<Self> {
        let [0xff, second, third, fourth] = bytes.array(at)? else { return None };
        if second & 0xe0 != 0xe0 {
            return None;
        }
        let (version, layer_code) = (second >> 3 & 3, second >> 1 & 3);
        let (bit_rate, rate_code) = (usize::from(third >> 4), usize::from(third >> 2 & 3));
        if version == 1 || layer_code == 0 || bit_rate == 0 || bit_rate == 15 || rate_code == 3 || fourth & 3 == 2 {
            return None;
        }
        let (layer, first_version) = (4 - usize::from(layer_code), version == 3);
        let rate = [44_100, 48_000, 32_000][rate_code] >> [2, 0, 1, 0][usize::from(version)];
        let table = if first_version { RATES_V1 } else { RATES_V2 };
        let bits = u32::from(table[layer - 1][bit_rate - 1]) * 1000;
        let padding = u32::from(third >> 1 & 1);
        let length = match layer {
            1 => (12 * bits / rate + padding) * 4,
            3 if !first_version => 72 * bits / rate + padding,
            _ => 144 * bits / rate + padding,
        };
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        Some(Self { first_version, layer, rate, channels, length: length as usize })
    }

    /// Version, layer and rate, which never change within a stream; channels may.
    fn same_stream(&self, other: &Self) -> bool {
        (self.first_version, self.layer, self.rate) == (other.first_version, other.layer, other.rate)
    }

    fn samples(&self) -> u64 {
        if self.first_version { 1152 } else { 576 }
    }
}

/// Where a stream begins at or after `at`, within [`SEARCH`].
pub fn find(bytes: &Input, at: usize) -> Option<usize> {
    let last = at.saturating_add(SEARCH);
    let mut at = at;
    loop {
        at = bytes.find(at..last, 0xff)?;
        if begins(bytes, at) {
            return Some(at);
        }
        at += 1;
    }
}

/// Whether frames follow each other from `at` on, or fill the rest of the file.
fn begins(bytes: &Input, mut at: usize) -> bool {
    let Some(first) = Header::read(bytes, at) else { return false };
    for seen in 0..CONFIRMED {
        match Header::read(bytes, at) {
            Some(header) if header.same_stream(&first) => at += header.length,
            // A short file: one whole frame and its end, or a tag.
            _ => return seen > 0 && (at >= bytes.len() || id3::skip_tag(bytes, at) > at),
        }
    }
    true
}

/// The track of a stream that begins at `at`.
pub fn open(bytes: &Input, start: usize) -> Result<Track, Refusal> {
    let Some(first) = Header::read(bytes, start) else { return damaged("no MPEG frame") };
    if first.layer != 3 {
        return unsupported(format!("MPEG layer {}", first.layer));
    }
    let mut stream = Stream { bytes, segments: Vec::new(), cut: false };
    let (mut at, mut passed) = (start, 0);
    let mut synced = true;
    while at < bytes.len() {
        let follows = |header: &Header| synced && header.same_stream(&first) || begins(bytes, at);
        match Header::read(bytes, at).filter(|header| header.layer == 3 && follows(header)) {
            Some(header) if header.length <= bytes.len().saturating_sub(at) => {
                stream.push(at..at + header.length, header);
                (at, synced) = (at + header.length, true);
            }
            Some(_) => {
                stream.cut = true;
                break;
            }
            None if id3::skip_tag(bytes, at) > at => at = id3::skip_tag(bytes, at),
            None => (at, synced, passed) = (at + 1, false, passed + usize::from(bytes.byte(at) != Some(0))),
        }
    }
    stream.finish(passed)
}

struct Stream<'a> {
    bytes: &'a Input,
    segments: Vec<(Header, Option<InfoTag>, Segment)>,
    cut: bool,
}

impl Stream<'_> {
    /// A frame; a change of channels or rate begins a new segment.
    fn push(&mut self, frame: Range<usize>, header: Header) {
        // In files that were joined, the tags of later ones are frames of silence, as in ffmpeg.
        let first = self.segments.is_empty();
        let tag =
            if first { InfoTag::read(&self.bytes.read(frame.clone()).unwrap_or_default(), &header) } else { None };
        let changed = self
            .segments
            .last()
            .is_none_or(|(last, ..)| last.channels != header.channels || !last.same_stream(&header));
        if changed {
            let parameters = coded(CODEC_ID_MP3, header.rate, header.channels, &[]);
            let codec = Codec::Coded(Box::new(parameters));
            let mut segment = Segment::whole(codec, Packets::default());
            // A decoder that begins in the middle lacks what its first frame overlaps with.
            segment.skip = if first { 0 } else { header.samples() };
            self.segments.push((header, tag, segment));
        }
        if let (None, Some((.., segment))) = (tag, self.segments.last_mut()) {
            segment.packets.push(frame);
        }
    }

    fn finish(self, passed: usize) -> Result<Track, Refusal> {
        let mut notices = Vec::new();
        let mut cut = self.cut;
        let mut segments = Vec::new();
        for (header, tag, mut segment) in self.segments {
            let frames = segment.packets.len() as u64;
            if let Some(InfoTag { frames: Some(stated), .. }) = tag {
                cut |= frames + 1 < u64::from(stated);
            }
            if let Some(InfoTag { gaps: Some((delay, padding)), frames: stated }) = tag {
                segment.skip = delay + DECODER_DELAY;
                // A file with more frames than stated was joined to others; with fewer it was cut.
                if stated.is_none_or(|stated| frames == u64::from(stated)) {
                    let padding = padding.saturating_sub(DECODER_DELAY);
                    segment.frames = (frames * header.samples()).saturating_sub(segment.skip + padding);
                }
            }
            if frames > 0 {
                segments.push(segment);
            }
        }
        notices.extend(cut.then(|| CUT_SHORT.into()));
        if passed > 0 {
            notices.push(format!("what is no audio between MP3 frames is passed over ({passed} bytes)"));
        }
        if segments.is_empty() { damaged("no MP3 frame but a tag") } else { Ok(Track { segments, notices }) }
    }
}

/// The first frame of a file, which holds no audio.
#[derive(Debug, Clone, Copy)]
struct InfoTag {
    /// Frames that follow.
    frames: Option<u32>,
    /// Samples that the encoder put before and behind the audio.
    gaps: Option<(u64, u64)>,
}

impl InfoTag {
    fn read(frame: &[u8], header: &Header) -> Option<Self> {
        if frame.get(36..40) == Some(b"VBRI") {
            return Some(Self { frames: Order::Big.u32(frame, 50), gaps: None });
        }
        let side_information = match (header.first_version, header.channels) {
            (true, 2) => 32,
            (true, _) | (false, 2) => 17,
            (false, _) => 9,
        };
        let at = 4 + side_information;
        if !matches!(frame.get(at..at + 4)?, b"Xing" | b"Info") {
            return None;
        }
        let flags = Order::Big.u32(frame, at + 4)?;
        let frames = (flags & 1 != 0).then(|| Order::Big.u32(frame, at + 8)).flatten();
        let lengths = [(1, 4), (2, 4), (4, 100), (8, 4)];
        let lame =
            at + 8 + lengths.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, length)| length).sum::<usize>();
        let known = matches!(frame.get(lame..lame + 4), Some(b"LAME" | b"Lavf" | b"Lavc"));
        let gaps = if known { Order::Big.u32(frame, lame + 21).map(|word| word >> 8) } else { None };
        let gaps = gaps.map(|gaps| (u64::from(gaps >> 12), u64::from(gaps & 0xfff)));
        Some(Self { frames, gaps })
    }
}
