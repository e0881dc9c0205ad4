//! Sample entries: how the samples of a track are coded.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_MP3};

use super::atom::{Atom, child};
use crate::audio::codecs::{Codec, Encoding, OpusHead, PcmFormat, coded};
use crate::audio::containers::aiff::sample_kind;
use crate::audio::containers::bytes::{Order, tag, text};
use crate::audio::containers::{aac, flac};
use crate::audio::refusal::{Refusal, damaged, unsupported};

/// The first entry of a `stsd` atom.
pub struct Entry<'a> {
    kind: [u8; 4],
    channels: u32,
    bits: u32,
    /// Frames per second of the media.
    pub rate: u32,
    /// The flags of uncompressed audio in entries of version 2.
    flags: Option<u32>,
    /// The entry, and where in it atoms follow the fixed fields.
    entry: Atom<'a>,
    atoms: usize,
}

/// `lpcm` flags of version 2.
const FLOAT: u32 = 1;
const BIG_ENDIAN: u32 = 2;
const SIGNED: u32 = 4;

impl<'a> Entry<'a> {
    /// Reads the entry, of any of QuickTime's three versions.
    pub fn read(descriptions: Atom<'a>) -> Result<Self, Refusal> {
        let Some(entry) = descriptions.children_from(8).next() else { return damaged("a track without description") };
        Self::fields(entry).ok_or_else(|| Refusal::Damaged("a track's description is too short".into()))
    }

    fn fields(entry: Atom<'a>) -> Option<Self> {
        let half = |at: usize| entry.u16(at).map(u32::from);
        let (channels, bits, rate) = (half(16)?, half(18)?, half(24)?);
        let of =
            |channels, bits, rate, flags, atoms| Self { kind: entry.name, channels, bits, rate, flags, entry, atoms };
        Some(match half(8)? {
            0 => of(channels, bits, rate, None, 28),
            1 => {
                // Version 1 may state 16 bits for wider samples; the bytes of a packet of one frame tell.
                let bytes = entry.u32(36)?.checked_div(channels).unwrap_or(0);
                of(channels, if (1..=8).contains(&bytes) { bytes * 8 } else { bits }, rate, None, 44)
            }
            _ => {
                let rate = entry.f64(32)? as u32;
                of(entry.u32(40)?, entry.u32(48)?, rate, entry.u32(52), 64)
            }
        })
    }

    /// Whether the samples may be AAC.
    pub fn is_aac(&self) -> bool {
        &self.kind == b"mp4a"
    }

    /// An atom behind the fixed fields, or in QuickTime's `wave` atom.
    fn atom(&self, name: &[u8; 4]) -> Option<Atom<'a>> {
        let find = |name: &[u8; 4]| self.entry.children_from(self.atoms).find(|atom| atom.name == *name);
        find(name).or_else(|| child(find(b"wave")?, name))
    }

    /// How the samples are coded.
    pub fn codec(&self) -> Result<Codec, Refusal> {
        let channels = u16::try_from(self.channels).unwrap_or(u16::MAX);
        let symphonia =
            |codec, configuration: &[u8]| Ok(Codec::Coded(Box::new(coded(codec, self.rate, channels, configuration))));
        match &self.kind {
            b"mp4a" => {
                let descriptor = self.atom(b"esds").and_then(|atom| atom.rest(4)).unwrap_or_default();
                match object_type(&descriptor) {
                    Some(0x40 | 0x66..=0x68) => {
                        let configuration = decoder_configuration(&descriptor).unwrap_or_default();
                        aac::check(configuration, self.rate)?;
                        symphonia(CODEC_ID_AAC, configuration)
                    }
                    Some(0x69 | 0x6b) => symphonia(CODEC_ID_MP3, &[]),
                    Some(other) => unsupported(format!("MPEG-4 audio object {other:#04x}")),
                    None => damaged("an AAC track without description"),
                }
            }
            b".mp3" | b"ms\0\x55" => symphonia(CODEC_ID_MP3, &[]),
            b"alac" => match self.atom(b"alac").and_then(|atom| atom.rest(4)) {
                Some(cookie) => symphonia(CODEC_ID_ALAC, &cookie),
                None => damaged("an ALAC track without description"),
            },
            b"Opus" => match self.atom(b"dOps").and_then(|atom| atom.rest(0)) {
                Some(head) => OpusHead::fields(&head, Order::Big).map(Codec::Opus),
                None => damaged("an Opus track without description"),
            },
            b"fLaC" => match self.atom(b"dfLa").and_then(|atom| atom.rest(8)) {
                Some(info) => flac::codec(&info).map(|(codec, _)| codec),
                None => damaged("a FLAC track without description"),
            },
            _ => self.pcm(),
        }
    }

    /// Uncompressed samples: big-endian unless an `enda` atom or a flag says otherwise.
    fn pcm(&self) -> Result<Codec, Refusal> {
        let width = (self.bits as usize).div_ceil(8);
        let (encoding, order, width) = match (&self.kind, self.flags) {
            (b"lpcm", Some(flags)) => {
                (linear(flags), if flags & BIG_ENDIAN != 0 { Order::Big } else { Order::Little }, width)
            }
            (b"ipcm" | b"fpcm", _) => {
                let [flags, bits] = self.atom(b"pcmC").and_then(|atom| atom.u16(4)).unwrap_or(0).to_be_bytes();
                let encoding = if &self.kind == b"fpcm" { Encoding::Float } else { Encoding::Signed };
                (encoding, if flags & 1 == 1 { Order::Little } else { Order::Big }, usize::from(bits).div_ceil(8))
            }
            (kind, _) => {
                let Some(samples) = sample_kind(*kind, width) else { return unsupported(name(*kind)) };
                let little = self.atom(b"enda").and_then(|atom| atom.u16(0)).is_some_and(|flag| flag != 0);
                if little { (samples.0, Order::Little, samples.2) } else { samples }
            }
        };
        let channels = self.channels as usize;
        PcmFormat { encoding, order, width, channels, rate: self.rate }.checked().map(Codec::Pcm)
    }
}

fn linear(flags: u32) -> Encoding {
    if flags & FLOAT != 0 {
        Encoding::Float
    } else if flags & SIGNED != 0 {
        Encoding::Signed
    } else {
        Encoding::Unsigned
    }
}

/// Names of the codecs people meet in these files.
fn name(kind: [u8; 4]) -> String {
    match &kind {
        b"ac-3" => "AC-3".into(),
        b"ec-3" => "E-AC-3".into(),
        b"ac-4" => "AC-4".into(),
        b"samr" => "AMR".into(),
        b"sawb" => "AMR-WB".into(),
        b"ima4" => "IMA ADPCM in QuickTime".into(),
        b"enca" | b"drms" => "audio that is locked by copy protection".into(),
        b"dtsc" | b"dtsh" | b"dtse" => "DTS".into(),
        _ => format!("{} audio in MP4", text(kind)),
    }
}

/// Content of the descriptors of a kind that lie in `bytes`.
fn descriptor(mut bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (&kind, mut rest) = bytes.split_first()?;
        let mut length = 0usize;
        for _ in 0..4 {
            let (&byte, after) = rest.split_first()?;
            (length, rest) = (length << 7 | usize::from(byte & 127), after);
            if byte < 128 {
                break;
            }
        }
        let (content, after) = rest.split_at(length.min(rest.len()));
        if kind == wanted {
            return Some(content);
        }
        bytes = after;
    }
}

/// The decoder configuration descriptor of an elementary stream descriptor.
fn stream_configuration(bytes: &[u8]) -> Option<&[u8]> {
    let stream = descriptor(bytes, 3)?;
    let flags = *stream.get(2)?;
    // Optional: the stream depended on, a URL, the clock's stream.
    let url = if flags & 0x40 != 0 { 1 + usize::from(*stream.get(if flags & 0x80 != 0 { 5 } else { 3 })?) } else { 0 };
    let optional = usize::from(flags >> 7) * 2 + url + usize::from(flags >> 5 & 1) * 2;
    descriptor(stream.get(3 + optional..)?, 4)
}

fn object_type(bytes: &[u8]) -> Option<u8> {
    stream_configuration(bytes)?.first().copied()
}

/// The decoder's own configuration in an elementary stream descriptor, as in `esds` atoms and CAF cookies.
pub fn decoder_configuration(bytes: &[u8]) -> Option<&[u8]> {
    // A CAF cookie may be the atom with its header.
    let bytes = if tag(bytes, 4).as_ref() == Some(b"esds") { bytes.get(12..)? } else { bytes };
    descriptor(stream_configuration(bytes)?.get(13..)?, 5)
}
