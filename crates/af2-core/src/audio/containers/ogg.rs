//! Ogg: pages with parts of packets, of one or several streams, one file after the other.

use std::ops::Range;

use super::bytes::Order;
use super::flac;
use crate::audio::codecs::{Codec, OpusHead, VorbisHeaders, packet_samples};
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const HEADER: usize = 27;
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;

/// Whether this is an Ogg file.
pub fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OggS")
}

/// One page.
struct Page {
    flags: u8,
    /// Position in time after the packets that end here.
    granule: u64,
    serial: u32,
    sequence: u32,
    /// Lengths of the parts; below 255 a packet ends.
    lacing: Range<usize>,
    body: Range<usize>,
}

impl Page {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        if bytes.get(at..at + 5)? != b"OggS\0" {
            return None;
        }
        let segments = usize::from(*bytes.get(at + 26)?);
        let lacing = at + HEADER..at + HEADER + segments;
        let length: usize = bytes.get(lacing.clone())?.iter().map(|part| usize::from(*part)).sum();
        let body = lacing.end..lacing.end + length;
        let page = bytes.get(at..body.end)?;
        (checksum(page) == Order::Little.u32(page, 22)?).then_some(Self {
            flags: page[5],
            granule: Order::Little.u64(page, 6)?,
            serial: Order::Little.u32(page, 14)?,
            sequence: Order::Little.u32(page, 18)?,
            lacing,
            body,
        })
    }
}

/// CRC-32 with polynomial 0x04c11db7, with zeros in place of itself.
fn checksum(page: &[u8]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| if (22..26).contains(&at) { 0 } else { *byte };
    page.iter().enumerate().map(byte).fold(0, |crc, byte| crc << 8 ^ CRC[usize::from((crc >> 24) as u8 ^ byte)])
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let (mut crc, mut bit) = ((index as u32) << 24, 0);
        while bit < 8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// The packets of one stream.
#[derive(Default)]
struct Link {
    serial: u32,
    packets: Vec<Range<usize>>,
    /// Granule and packets of the first page that ends an audio packet, then the last granule.
    pages: Vec<(u64, usize)>,
    next_sequence: u32,
}

/// The track of an Ogg file. Packets that go over pages are joined by moving their bytes toward the start of `bytes`.
pub fn open(bytes: &mut [u8]) -> Result<Track, Refusal> {
    let mut reader = Reader::default();
    let mut at = 0;
    while at < bytes.len() {
        match Page::read(bytes, at) {
            Some(page) => {
                at = page.body.end;
                reader.page(bytes, page);
            }
            None => {
                let next = bytes[at + 1..].windows(4).position(|window| window == b"OggS");
                reader.damaged += 1;
                at = next.map_or(bytes.len(), |next| at + 1 + next);
            }
        }
    }
    reader.track(bytes)
}

#[derive(Default)]
struct Reader {
    links: Vec<Link>,
    /// Where the next byte of a packet goes, and where the packet began.
    end: usize,
    begin: Option<usize>,
    /// Pages that were unreadable or missing.
    damaged: usize,
    /// Whether the page before began a stream.
    beginning: bool,
    /// The first stream that holds something else.
    other: Option<String>,
}

impl Reader {
    fn page(&mut self, bytes: &mut [u8], page: Page) {
        if page.flags & FIRST != 0 {
            // Of the streams that begin together, the first one with audio is heard.
            let wanted = !self.beginning || self.links.is_empty();
            self.beginning = true;
            match codec_name(&bytes[page.body.clone()]) {
                Ok(()) if wanted => {
                    self.begin = None;
                    self.links.push(Link { serial: page.serial, next_sequence: page.sequence, ..Link::default() });
                }
                Err(name) if self.other.is_none() => self.other = Some(name),
                _ => {}
            }
        } else {
            self.beginning = false;
        }
        let Some(link) = self.links.last_mut().filter(|link| link.serial == page.serial) else { return };
        if page.sequence != link.next_sequence {
            self.damaged += 1;
            self.begin = None;
        }
        link.next_sequence = page.sequence.wrapping_add(1);
        // The rest of a packet whose start is lost is passed over.
        let mut lost = page.flags & CONTINUED != 0 && self.begin.is_none();
        if page.flags & CONTINUED == 0 {
            self.begin = None;
        }
        let (mut from, before) = (page.body.start, link.packets.len());
        // A copy: bytes that move toward the start may come to lie where the lengths are.
        let lengths = bytes[page.lacing].to_vec();
        for length in lengths.into_iter().map(usize::from) {
            if !lost {
                let begin = *self.begin.get_or_insert(self.end);
                bytes.copy_within(from..from + length, self.end);
                self.end += length;
                if length < 255 {
                    link.packets.push(begin..self.end);
                    self.begin = None;
                }
            }
            lost &= length == 255;
            from += length;
        }
        if page.granule != u64::MAX && link.packets.len() > before {
            link.pages.push((page.granule, link.packets.len()));
        }
    }

    fn track(self, bytes: &[u8]) -> Result<Track, Refusal> {
        let mut track = Track { segments: Vec::new(), notices: Vec::new() };
        for link in self.links {
            match link.segment(bytes) {
                Ok(segment) => track.segments.push(segment),
                Err(error) if track.segments.is_empty() => return Err(error),
                Err(_) => {
                    track.notices.push("a part of the file that was joined to it is damaged and not heard".into())
                }
            }
        }
        if self.damaged > 0 {
            track.notices.push(format!("{} pages of the file are damaged or missing", self.damaged));
        }
        match (track.segments.is_empty(), self.other) {
            (false, _) => Ok(track),
            (true, Some(name)) => unsupported(name),
            (true, None) => damaged("no whole Ogg page"),
        }
    }
}

/// Whether a first packet begins audio that can be decoded; if not, what it begins.
fn codec_name(packet: &[u8]) -> Result<(), String> {
    match packet {
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] | [0x7f, b'F', b'L', b'A', b'C', ..] => Ok(()),
        _ if packet.starts_with(b"OpusHead") => Ok(()),
        _ if packet.starts_with(b"Speex") => Err("Speex".into()),
        _ if packet.starts_with(b"\x80theora") => Err("Ogg without an audio stream (Theora video)".into()),
        _ => Err("this kind of Ogg stream".into()),
    }
}

impl Link {
    /// Headers and packets of the stream.
    fn segment(self, bytes: &[u8]) -> Result<Segment, Refusal> {
        let packet = |index: usize| self.packets.get(index).map(|range| &bytes[range.clone()]);
        let Some(first) = packet(0) else { return damaged("no whole packet") };
        if first.starts_with(b"OpusHead") {
            let head = OpusHead::read(first)?;
            let audio = self.packets.get(2..).unwrap_or_default().to_vec();
            let samples = |range: &Range<usize>| packet_samples(&bytes[range.clone()]);
            let total: u64 = audio.iter().map(samples).sum();
            // A stream that was recorded from its middle begins at another time than 0.
            let start = self.pages.iter().find(|(_, packets)| *packets > 2).map_or(0, |(granule, packets)| {
                let there: u64 = audio.iter().take(packets - 2).map(samples).sum();
                granule.saturating_sub(there)
            });
            let length = self.length().saturating_sub(start);
            let length = if length == 0 { total } else { length };
            return Ok(head.segment(audio, length));
        }
        if first.starts_with(b"\x7fFLAC") {
            let (codec, _) = flac::codec(first.get(17..).unwrap_or_default())?;
            let audio = self.packets.iter().skip(1).filter(|range| bytes.get(range.start) == Some(&0xff)).cloned();
            return Ok(Segment::whole(codec, audio.collect()));
        }
        let (Some(identification), Some(setup)) = (packet(0), packet(2)) else {
            return damaged("the file ends in its headers");
        };
        let headers = VorbisHeaders::read(identification, setup)?;
        let audio = self.packets.get(3..).unwrap_or_default().to_vec();
        let (first_granule, packets) = self.pages.iter().find(|(_, packets)| *packets > 3).copied().unwrap_or((0, 3));
        let from_start = first_granule <= (packets - 3) as u64 * headers.longest_block();
        let length = self.length();
        let frames = if from_start && length > 0 { length } else { u64::MAX };
        Ok(Segment { frames, ..Segment::whole(Codec::Vorbis(headers), audio) })
    }

    /// The position in time after the last packet.
    fn length(&self) -> u64 {
        self.pages.last().map_or(0, |(granule, _)| *granule)
    }
}
