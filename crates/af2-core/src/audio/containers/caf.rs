//! Apple's Core Audio Format.

use std::ops::Range;

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC};

use super::bytes::{Order, tag, text};
use super::{CUT_SHORT, mp4};
use crate::audio::codecs::{Codec, Encoding, OpusHead, PcmFormat, coded};
use crate::audio::input::Input;
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const BIG: Order = Order::Big;
const FLOAT: u32 = 1;
const LITTLE_ENDIAN: u32 = 2;

/// Whether this is a CAF file.
pub fn is(bytes: &Input) -> bool {
    bytes.starts_with(b"caff")
}

/// The `desc` chunk.
struct Description {
    kind: [u8; 4],
    rate: u32,
    flags: u32,
    packet_bytes: u32,
    packet_frames: u32,
    channels: u32,
    bits: u32,
}

impl Description {
    fn read(bytes: &Input, at: usize) -> Option<Self> {
        let field = |offset: usize| BIG.u32(bytes, at + offset);
        let rate = BIG.f64(bytes, at)? as u32;
        Some(Self {
            rate,
            kind: tag(bytes, at + 8)?,
            flags: field(12)?,
            packet_bytes: field(16)?,
            packet_frames: field(20)?,
            channels: field(24)?,
            bits: field(28)?,
        })
    }
}

/// The track of a CAF file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let (mut description, mut cookie, mut table, mut data) = (None, Vec::new(), None, None);
    let mut at = 8;
    while let (Some(name), Some(length)) = (tag(bytes, at), BIG.u64(bytes, at + 4)) {
        let body = at + 12;
        // A data chunk of length −1 goes on to the end.
        let stated = usize::try_from(length).ok().and_then(|length| body.checked_add(length));
        let end = stated.unwrap_or(usize::MAX).min(bytes.len());
        match &name {
            b"desc" => description = Description::read(bytes, body),
            b"kuki" => cookie = bytes.description(body..end),
            b"pakt" => table = Some(body.min(end)..end),
            // The first four bytes are an edit count.
            b"data" => {
                data =
                    Some(((body + 4).min(end)..end, length != u64::MAX && stated.is_none_or(|end| end > bytes.len())))
            }
            _ => {}
        }
        match stated {
            Some(next) if next > at => at = next,
            _ => break,
        }
    }
    let (Some(description), Some((data, cut))) = (description, data) else {
        return damaged("no description or no data chunk");
    };
    let mut track = Track::of(segment(bytes, &description, &cookie, table, data)?);
    track.notices.extend(cut.then(|| CUT_SHORT.into()));
    Ok(track)
}

fn segment(
    bytes: &Input,
    description: &Description,
    cookie: &[u8],
    table: Option<Range<usize>>,
    data: Range<usize>,
) -> Result<Segment, Refusal> {
    let channels = u16::try_from(description.channels).unwrap_or(u16::MAX);
    let codec = match &description.kind {
        b"lpcm" | b"ulaw" | b"alaw" => {
            return Ok(Segment::whole(Codec::Pcm(pcm(description)?), Packets::from_iter([data])));
        }
        b"alac" => {
            // The cookie may be wrapped as in QuickTime files.
            let cookie =
                if tag(cookie, 4).as_ref() == Some(b"frma") { cookie.get(24..).unwrap_or_default() } else { cookie };
            Codec::Coded(Box::new(coded(CODEC_ID_ALAC, description.rate, channels, cookie)))
        }
        b"aac " | b"aach" | b"aacp" => {
            let configuration = mp4::decoder_configuration(cookie).unwrap_or_default();
            super::aac::check(configuration, description.rate)?;
            Codec::Coded(Box::new(coded(CODEC_ID_AAC, description.rate, channels, configuration)))
        }
        b"opus" => Codec::Opus(OpusHead::plain(channels, 48_000)?),
        other => return unsupported(format!("{} audio in CAF", text(*other))),
    };
    let Some(table) = table else { return damaged("no packet table") };
    if table.len() < 20 {
        return damaged("the packet table is too short");
    }
    let (Some(valid), Some(priming)) = (BIG.u64(bytes, table.start + 8), BIG.u32(bytes, table.start + 16)) else {
        return damaged("the packet table is too short");
    };
    let packets = packets(bytes, description, table.start + 24..table.end, data);
    // Packets of ALAC tell their own lengths; some writers state whole ones for the last.
    let frames = if valid == 0 || &description.kind == b"alac" { u64::MAX } else { valid };
    Ok(Segment { codec, packets, skip: priming.into(), frames })
}

fn pcm(description: &Description) -> Result<PcmFormat, Refusal> {
    let encoding = match &description.kind {
        b"ulaw" => Encoding::MuLaw,
        b"alaw" => Encoding::ALaw,
        _ if description.flags & FLOAT != 0 => Encoding::Float,
        _ => Encoding::Signed,
    };
    let order = if description.flags & LITTLE_ENDIAN != 0 { Order::Little } else { BIG };
    let channels = description.channels as usize;
    let by_packet = (description.packet_bytes as usize).checked_div(channels).unwrap_or(0);
    let width = if by_packet > 0 { by_packet } else { (description.bits as usize).div_ceil(8) };
    PcmFormat { encoding, order, width, channels, rate: description.rate }.checked()
}

/// Cuts the data by the sizes in the packet table: numbers of 7 bits a byte, each followed by a number of frames
/// where that varies.
fn packets(bytes: &Input, description: &Description, mut table: Range<usize>, data: Range<usize>) -> Packets {
    let mut packets = Packets::default();
    let mut at = data.start;
    while at < data.end {
        let size = match description.packet_bytes {
            0 => variable(bytes, &mut table),
            fixed => Some(fixed as usize),
        };
        let frames = if description.packet_frames == 0 { variable(bytes, &mut table) } else { Some(1) };
        let (Some(size), Some(_)) = (size, frames) else { break };
        let end = at.saturating_add(size);
        if end > data.end {
            break;
        }
        if size > 0 {
            packets.push(at..end);
        }
        at = end;
    }
    packets
}

fn variable(bytes: &Input, table: &mut Range<usize>) -> Option<usize> {
    let mut value = 0usize;
    loop {
        let byte = table.next().and_then(|at| bytes.byte(at))?;
        value = value.checked_mul(128)? + usize::from(byte & 127);
        if byte < 128 {
            return Some(value);
        }
    }
}
