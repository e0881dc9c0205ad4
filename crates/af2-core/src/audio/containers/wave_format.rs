//! The `fmt ` chunk of WAV and Wave64 files.

use std::ops::Range;

use symphonia::core::codecs::audio::well_known::{CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS};

use super::bytes::Order;
use crate::audio::codecs::{Codec, Encoding, PcmFormat, coded};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xfffe;

/// The track that a `fmt ` chunk describes, with its bytes at `data`.
///
/// Chunks of 14 bytes and more are read, whatever lies behind: writers differ in what they add.
pub fn track(format: &[u8], order: Order, data: Range<usize>) -> Result<Track, Refusal> {
    let field = |at: usize| order.u16(format, at).unwrap_or(0);
    if format.len() < 14 {
        return damaged("the format chunk is too short");
    }
    let (stated, channels, rate, block, bits) =
        (field(0), field(2), order.u32(format, 4).unwrap_or(0), field(12), field(14));
    let kind = if stated == EXTENSIBLE { order.u16(format, 24).unwrap_or(PCM) } else { stated };
    if channels == 0 {
        return damaged("no channel");
    }
    let encoding = match kind {
        PCM => Encoding::Signed,
        FLOAT => Encoding::Float,
        A_LAW => Encoding::ALaw,
        MU_LAW => Encoding::MuLaw,
        MS_ADPCM | IMA_ADPCM => return adpcm(kind, channels, rate, block, data),
        other => return unsupported(name(other)),
    };
    // The bytes of a frame count; valid bits may be fewer (12 in 16) or, from careless writers, 0.
    let by_block = usize::from(block / channels);
    let by_bits = usize::from(bits).div_ceil(8);
    let width =
        if by_block == 0 || usize::from(block) != by_block * usize::from(channels) { by_bits } else { by_block };
    let width = if matches!(encoding, Encoding::ALaw | Encoding::MuLaw) { 1 } else { width };
    let encoding = if encoding == Encoding::Signed && width == 1 { Encoding::Unsigned } else { encoding };
    let pcm = PcmFormat { encoding, order, width, channels: channels.into(), rate }.checked()?;
    Ok(Track::of(Segment::whole(Codec::Pcm(pcm), Packets::from_iter([data]))))
}

/// ADPCM: packets are blocks, whose first frames lie in their headers.
fn adpcm(kind: u16, channels: u16, rate: u32, block: u16, data: Range<usize>) -> Result<Track, Refusal> {
    let (codec, header, in_header) =
        if kind == MS_ADPCM { (CODEC_ID_ADPCM_MS, 7, 2) } else { (CODEC_ID_ADPCM_IMA_WAV, 4, 1) };
    if channels > 2 {
        return unsupported(format!("ADPCM with {channels} channels"));
    }
    let coded_bytes = match block.checked_sub(header * channels) {
        Some(bytes) if bytes > 0 => u64::from(bytes),
        _ => return damaged("ADPCM blocks without samples"),
    };
    let frames = coded_bytes * 2 / u64::from(channels) + in_header;
    let mut parameters = coded(codec, rate, channels, &[]);
    parameters.with_max_frames_per_packet(frames).with_frames_per_block(frames);
    let block = usize::from(block);
    let packets =
        (data.start..data.end).step_by(block).map(|at| at..at + block).take_while(|packet| packet.end <= data.end);
    Ok(Track::of(Segment::whole(Codec::Coded(Box::new(parameters)), packets.collect())))
}

/// Names of the codecs people meet in WAV files.
fn name(kind: u16) -> String {
    match kind {
        0x50 => "MPEG layer 2 in WAV".into(),
        0x55 => "MP3 in WAV".into(),
        0x31 => "GSM 6.10".into(),
        0x40 | 0x45 | 0x64 => "G.726 ADPCM".into(),
        0x160..=0x163 => "Windows Media Audio".into(),
        0x2000 => "AC-3".into(),
        0x2001 => "DTS".into(),
        0xff | 0x1600 | 0x1610 => "AAC in WAV".into(),
        other => format!("WAV codec {other:#06x}"),
    }
}
