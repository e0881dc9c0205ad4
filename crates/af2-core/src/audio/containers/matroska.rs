//! Matroska and WebM, complete or as a browser records them: without lengths.

use std::ops::Range;

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3};

use super::{aac, flac};
use crate::audio::codecs::{Codec, Encoding, OpusHead, PcmFormat, VorbisHeaders, coded};
use crate::audio::containers::Order;
use crate::audio::input::Input;
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const SIMPLE_BLOCK: u32 = 0xa3;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const NUMBER: u32 = 0xd7;
const KIND: u32 = 0x83;
const CODEC: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const ENCODINGS: u32 = 0x6d80;
const AUDIO: u32 = 0xe1;
const RATE: u32 = 0xb5;
const CHANNELS: u32 = 0x9f;
const BITS: u32 = 0x6264;
const AUDIO_TRACK: u64 = 2;

/// Tracks at most whose packets are noted; films have a dozen.
const MOST_TRACKS: usize = 64;
/// Bytes that hold a block's track, time and flags.
const SHORT_HEADER: usize = 12;
/// Bytes at the start of a block that can hold the lengths of 256 frames.
const LONGEST_LACING: usize = 1 << 14;

/// Whether this is a Matroska or WebM file.
pub fn is(bytes: &Input) -> bool {
    Order::Big.u32(bytes, 0) == Some(EBML)
}

/// What is known of a track.
#[derive(Default)]
struct Description {
    number: u64,
    kind: u64,
    codec: Vec<u8>,
    private: Vec<u8>,
    rate: f64,
    channels: u64,
    bits: u64,
    encoded: bool,
}

/// The first audio track that can be decoded. Elements are read in file order. An element that holds others is entered,
/// so its own length need not be known.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let mut tracks: Vec<Description> = Vec::new();
    // Packets by the number of their track: it may be described behind them.
    let mut packets: Vec<(u64, Packets)> = Vec::new();
    let mut at = 0;
    while let Some((id, body, length)) = element(bytes, at) {
        let end = length.and_then(|length| body.checked_add(length)).unwrap_or(usize::MAX).min(bytes.len());
        let content = body.min(end)..end;
        at = end;
        if matches!(id, SEGMENT | CLUSTER | BLOCK_GROUP | TRACKS | TRACK | AUDIO) {
            at = body;
        }
        if id == TRACK {
            tracks.push(Description { channels: 1, rate: 8000.0, ..Description::default() });
        }
        match (id, tracks.last_mut()) {
            (NUMBER, Some(track)) => track.number = unsigned(bytes, content),
            (KIND, Some(track)) => track.kind = unsigned(bytes, content),
            (CODEC, Some(track)) => track.codec = bytes.description(content),
            (CODEC_PRIVATE, Some(track)) => track.private = bytes.description(content),
            (ENCODINGS, Some(track)) => track.encoded = true,
            (RATE, Some(track)) => track.rate = float(bytes, content),
            (CHANNELS, Some(track)) => track.channels = unsigned(bytes, content),
            (BITS, Some(track)) => track.bits = unsigned(bytes, content),
            (BLOCK | SIMPLE_BLOCK, _) => drop(frames(bytes, content, &mut packets)),
            _ => {}
        }
    }
    let mut refusal = None;
    for track in tracks.iter().filter(|track| track.kind == AUDIO_TRACK) {
        match track.codec() {
            Ok(codec) => return segment(track.number, codec, packets),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or_else(|| Refusal::NoAudio("no sound track".into())))
}

fn segment(number: u64, codec: Codec, packets: Vec<(u64, Packets)>) -> Result<Track, Refusal> {
    let Some((_, packets)) = packets.into_iter().find(|(track, packets)| *track == number && !packets.is_empty())
    else {
        return damaged("an audio track without blocks");
    };
    Ok(Track::of(match codec {
        Codec::Opus(head) => head.segment(packets, u64::MAX),
        codec => Segment::whole(codec, packets),
    }))
}

impl Description {
    fn codec(&self) -> Result<Codec, Refusal> {
        if self.encoded {
            return unsupported("a compressed or encrypted Matroska track");
        }
        let rate = self.rate as u32;
        let channels = u16::try_from(self.channels).unwrap_or(u16::MAX);
        let symphonia =
            |codec, configuration: &[u8]| Ok(Codec::Coded(Box::new(coded(codec, rate, channels, configuration))));
        let pcm = |encoding, order| {
            let width = (self.bits as usize).div_ceil(8);
            let encoding = if encoding == Encoding::Signed && width == 1 { Encoding::Unsigned } else { encoding };
            PcmFormat { encoding, order, width, channels: channels.into(), rate }.checked().map(Codec::Pcm)
        };
        match self.codec.trim_ascii_end() {
            b"A_OPUS" => OpusHead::read(&self.private).map(Codec::Opus),
            b"A_VORBIS" => {
                let Some((identification, setup)) = vorbis_headers(&self.private) else {
                    return damaged("the Vorbis headers make no sense");
                };
                VorbisHeaders::read(identification, setup).map(Codec::Vorbis)
            }
            b"A_FLAC" => flac::codec(self.private.get(8..).unwrap_or_default()).map(|(codec, _)| codec),
            b"A_MPEG/L3" => symphonia(CODEC_ID_MP3, &[]),
            b"A_PCM/INT/LIT" => pcm(Encoding::Signed, Order::Little),
            b"A_PCM/INT/BIG" => pcm(Encoding::Signed, Order::Big),
            b"A_PCM/FLOAT/IEEE" => pcm(Encoding::Float, Order::Little),
            b"A_AAC" => {
                aac::check(&self.private, rate)?;
                symphonia(CODEC_ID_AAC, &self.private)
            }
            other => unsupported(format!("{} in Matroska", String::from_utf8_lossy(other).escape_debug())),
        }
    }
}

/// Three packets in one: their number less one, the lengths of the first two, then all three.
fn vorbis_headers(private: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = private.strip_prefix(&[2])?;
    let (first, second) = (laced_length(&mut rest)?, laced_length(&mut rest)?);
    Some((rest.get(..first)?, rest.get(first.checked_add(second)?..)?))
}

/// A sum of bytes, the last of which is below 255.
fn laced_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length += usize::from(byte);
        if byte < 255 {
            return Some(length);
        }
    }
}

/// Adds the frames of a block to the packets of its track.
fn frames(bytes: &Input, block: Range<usize>, packets: &mut Vec<(u64, Packets)>) -> Option<()> {
    let read = |most: usize| bytes.read(block.start..block.end.min(block.start.saturating_add(most)));
    let mut head = read(SHORT_HEADER)?;
    let (number, length) = variable(&head)?;
    let lacing = *head.get(length + 2)? >> 1 & 3;
    if lacing != 0 {
        head = read(LONGEST_LACING)?;
    }
    let mut rest = head.get(length + 3..)?;
    let place = packets.iter().position(|(track, _)| *track == number);
    if place.is_none() && packets.len() == MOST_TRACKS {
        return None;
    }
    let place = place.unwrap_or_else(|| {
        packets.push((number, Packets::default()));
        packets.len() - 1
    });
    let packets = &mut packets[place].1;
    let mut lengths = Vec::new();
    if lacing != 0 {
        let (&count, after) = rest.split_first()?;
        rest = after;
        // The last length is what is left.
        let mut before = 0i64;
        for index in 0..usize::from(count) {
            let length = match lacing {
                1 => laced_length(&mut rest)? as i64,
                2 => ((block.end - block.start - (head.len() - rest.len())) / (usize::from(count) + 1)) as i64,
                _ => {
                    let (value, used) = variable(rest)?;
                    rest = &rest[used..];
                    // The first is a length, the others differences around the middle of their range.
                    if index == 0 { value as i64 } else { before + value as i64 - ((1 << (7 * used - 1)) - 1) }
                }
            };
            before = length;
            lengths.push(usize::try_from(length).ok()?);
        }
    }
    let mut at = block.start + head.len() - rest.len();
    for length in lengths {
        let end = at.checked_add(length).filter(|end| *end <= block.end)?;
        if length > 0 {
            packets.push(at..end);
        }
        at = end;
    }
    if at < block.end {
        packets.push(at..block.end);
    }
    Some(())
}

/// The element at `at`: what it is, where its content begins, and how long that is unless unknown.
fn element(bytes: &Input, at: usize) -> Option<(u32, usize, Option<usize>)> {
    let id_length = bytes.byte(at)?.leading_zeros() as usize + 1;
    if id_length > 4 {
        return None;
    }
    let id = bytes.read(at..at + id_length)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let (length, used) = variable(&bytes.description(at + id_length..at + id_length + 8))?;
    let unknown = length == (1 << (7 * used)) - 1;
    Some((id, at + id_length + used, if unknown { None } else { usize::try_from(length).ok() }))
}

/// A number whose leading zeros tell its length.
fn variable(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let start = u64::from(first) & (0xff >> length.min(8));
    let value =
        bytes.get(1..length).filter(|_| length <= 8)?.iter().fold(start, |value, byte| value << 8 | u64::from(*byte));
    Some((value, length))
}

fn unsigned(bytes: &Input, content: Range<usize>) -> u64 {
    bytes
        .description(content.start..content.end.min(content.start + 8))
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn float(bytes: &Input, content: Range<usize>) -> f64 {
    match content.len() {
        4 => f32::from_bits(unsigned(bytes, content) as u32).into(),
        8 => f64::from_bits(unsigned(bytes, content)),
        _ => 0.0,
    }
}
