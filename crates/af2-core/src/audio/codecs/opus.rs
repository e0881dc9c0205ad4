//! Opus, in any number of streams.

use ropus::OpusMSDecoder;

use super::{Codec, Decoded};
use crate::audio::containers::Order;
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::Segment;

/// The rate in which containers count.
const CLOCK: u32 = 48_000;
/// Samples of the longest packet, at [`CLOCK`].
const LONGEST: usize = 5760;

/// What a decoder must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpusHead {
    channels: u8,
    /// Samples at 48 kHz to drop at the start.
    pub pre_skip: u16,
    rate: u32,
    /// Decibels in units of 1/256.
    gain: i16,
    streams: u8,
    coupled: u8,
    mapping: Vec<u8>,
}

impl OpusHead {
    /// Reads the identification packet of Ogg and Matroska.
    pub fn read(packet: &[u8]) -> Result<Self, Refusal> {
        match packet.strip_prefix(b"OpusHead") {
            Some(fields) => Self::fields(fields, Order::Little),
            None => damaged("no Opus header"),
        }
    }

    /// Reads the fields behind the signature: little-endian in Ogg and Matroska, big-endian in MP4.
    pub fn fields(fields: &[u8], order: Order) -> Result<Self, Refusal> {
        let (Some(&[version, channels]), Some(&family)) = (fields.first_chunk(), fields.get(10)) else {
            return damaged("the Opus header is too short");
        };
        let (Some(pre_skip), Some(rate), Some(gain)) =
            (order.u16(fields, 2), order.u32(fields, 4), order.u16(fields, 8))
        else {
            return damaged("the Opus header is too short");
        };
        if version > 15 || channels == 0 {
            return damaged("the Opus header makes no sense");
        }
        let (streams, coupled, mapping) = match family {
            0 if channels <= 2 => (1, channels - 1, (0..channels).collect()),
            1 | 255 => match (fields.get(11), fields.get(12), fields.get(13..13 + usize::from(channels))) {
                (Some(&streams), Some(&coupled), Some(mapping)) => (streams, coupled, mapping.to_vec()),
                _ => return damaged("the Opus header is too short"),
            },
            _ => return unsupported(format!("Opus with channel mapping {family}")),
        };
        Ok(Self { channels, pre_skip, rate, gain: gain as i16, streams, coupled, mapping })
    }

    /// A head for containers that state nothing else.
    pub fn plain(channels: u16, rate: u32) -> Result<Self, Refusal> {
        match channels {
            1 | 2 => {
                let channels = channels as u8;
                let mapping = (0..channels).collect();
                Ok(Self { channels, pre_skip: 0, rate, gain: 0, streams: 1, coupled: channels - 1, mapping })
            }
            _ => unsupported(format!("Opus with {channels} channels")),
        }
    }

    /// The rate that is decoded to. As in libsndfile it follows the rate of what was encoded: nothing is above that.
    fn decoded_rate(&self) -> u32 {
        match self.rate {
            0 | 24_001.. => 48_000,
            16_001.. => 24_000,
            12_001.. => 16_000,
            8_001.. => 12_000,
            _ => 8_000,
        }
    }

    /// Frames at the decoded rate for a number of samples at 48 kHz.
    pub fn frames(&self, samples: u64) -> u64 {
        samples / u64::from(CLOCK / self.decoded_rate())
    }

    /// A segment that ends `length` samples (at 48 kHz, the skipped ones counted) after the start.
    pub fn segment(self, packets: Packets, length: u64) -> Segment {
        let skip = self.frames(self.pre_skip.into());
        let frames = if length == u64::MAX { length } else { self.frames(length.saturating_sub(self.pre_skip.into())) };
        Segment { codec: Codec::Opus(self), packets, skip, frames }
    }
}

/// Samples at 48 kHz in a packet, by its first bytes.
pub fn packet_samples(packet: &[u8]) -> u64 {
    let Some(&first) = packet.first() else { return 0 };
    let frame = match first >> 3 {
        kind @ 0..12 => [480, 960, 1920, 2880][usize::from(kind & 3)],
        kind @ 12..16 => [480, 960][usize::from(kind & 1)],
        kind => [120, 240, 480, 960][usize::from(kind & 3)],
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 63)),
    };
    frame * frames
}

/// An Opus decoder of fixed-point arithmetic: the same samples on every machine.
pub struct Decoder {
    inner: OpusMSDecoder,
    channels: usize,
    rate: u32,
    gain: f64,
    interleaved: Vec<i16>,
}

impl Decoder {
    pub(super) fn new(head: &OpusHead) -> Result<Self, Refusal> {
        let rate = head.decoded_rate();
        let (streams, coupled) = (head.streams.into(), head.coupled.into());
        let inner = OpusMSDecoder::new(rate as i32, head.channels.into(), streams, coupled, &head.mapping);
        let Ok(inner) = inner else { return damaged("the Opus header makes no sense") };
        let channels = usize::from(head.channels);
        let gain = 10f64.powf(f64::from(head.gain) / (20.0 * 256.0));
        Ok(Self { inner, channels, rate, gain, interleaved: vec![0; LONGEST * channels] })
    }

    pub(super) fn decode(&mut self, packet: &[u8], planes: &mut Vec<Vec<f64>>) -> Result<Decoded, String> {
        planes.resize_with(self.channels, Vec::new);
        planes.iter_mut().for_each(Vec::clear);
        let length = i32::try_from(packet.len()).unwrap_or(i32::MAX);
        let frames = self.inner.decode(Some(packet), length, &mut self.interleaved, LONGEST as i32, false);
        let frames = usize::try_from(frames.map_err(|code| format!("Opus error {code}"))?).unwrap_or(0);
        for frame in self.interleaved.chunks_exact(self.channels).take(frames) {
            for (plane, sample) in planes.iter_mut().zip(frame) {
                plane.push(f64::from(*sample) / 32768.0 * self.gain);
            }
        }
        Ok(Decoded { rate: self.rate, integer: self.gain == 1.0 })
    }
}
