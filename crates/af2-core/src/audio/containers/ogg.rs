//! Ogg: pages with parts of packets, of one or several streams, one file after the other.

use std::ops::Range;

use super::bytes::Order;
use super::flac;
use crate::audio::codecs::{Codec, OpusHead, VorbisHeaders, packet_samples};
use crate::audio::input::{Bytes, Input};
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged, unsupported};
use crate::audio::track::{Segment, Track};

const HEADER: usize = 27;
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;

/// Whether this is an Ogg file.
pub fn is(bytes: &Input) -> bool {
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
    lacing: Vec<u8>,
    /// Where the parts lie in the file, and their bytes.
    body: Range<usize>,
    content: Vec<u8>,
}

impl Page {
    fn read(bytes: &Input, at: usize) -> Option<Self> {
        if bytes.array(at)? != *b"OggS\0" {
            return None;
        }
        let header = HEADER + usize::from(bytes.byte(at + 26)?);
        let lacing = bytes.read(at + HEADER..at + header)?;
        let length: usize = lacing.iter().map(|part| usize::from(*part)).sum();
        let body = at + header..at + header + length;
        let mut page = bytes.read(at..body.end)?;
        let number = |at: usize| Order::Little.u32(page.as_slice(), at);
        if checksum(&page) != number(22)? {
            return None;
        }
        let (granule, serial, sequence) = (Order::Little.u64(page.as_slice(), 6)?, number(14)?, number(18)?);
        let (flags, content) = (page[5], page.split_off(header));
        Some(Self { flags, granule, serial, sequence, lacing, body, content })
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
    packets: Packets,
    /// Whether they are FLAC.
    flac: bool,
    /// Samples of all packets behind the headers, if they are Opus.
    samples: u64,
    /// Pages that end a packet: the first [`FIRST_PAGES`], which lead beyond the headers, and the last one.
    pages: Vec<Ending>,
    next_sequence: u32,
}

/// Where a page ends in its stream.
#[derive(Clone, Copy)]
struct Ending {
    granule: u64,
    /// Packets up to here, and the samples in them if they are Opus.
    packets: usize,
    samples: u64,
}

/// Each of these pages ends at least one packet, and no codec has more than three headers.
const FIRST_PAGES: usize = 4;

/// Identification and comments.
const OPUS_HEADERS: usize = 2;

/// Bytes of the longest header: comments may hold a picture, and are not read beyond this.
const LONGEST_HEADER: usize = 1 << 20;

/// Bytes at the start of a packet that tell the samples in it.
const PACKET_HEAD: usize = 2;

/// The track of an Ogg file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let mut reader = Reader::default();
    let mut at = 0;
    while at < bytes.len() {
        match Page::read(bytes, at) {
            Some(page) => {
                at = page.body.end;
                reader.page(page);
            }
            None => {
                reader.damaged += 1;
                at = next_page(bytes, at + 1).unwrap_or(usize::MAX);
            }
        }
    }
    reader.track(bytes)
}

/// Where the next page may begin, from `at` on.
fn next_page(bytes: &Input, mut at: usize) -> Option<usize> {
    loop {
        at = bytes.find(at..bytes.len(), b'O')?;
        if bytes.has(at, b"OggS") {
            return Some(at);
        }
        at += 1;
    }
}

#[derive(Default)]
struct Reader {
    links: Vec<Link>,
    /// The packet that goes on in the next page: where its parts lie, and its first bytes.
    begun: Option<(Vec<Range<usize>>, Vec<u8>)>,
    /// Pages that were unreadable or missing.
    damaged: usize,
    /// Whether the page before began a stream.
    beginning: bool,
    /// The first stream that holds something else.
    other: Option<String>,
}

impl Reader {
    fn page(&mut self, page: Page) {
        if page.flags & FIRST != 0 {
            // Of the streams that begin together, the first one with audio is heard.
            let wanted = !self.beginning || self.links.is_empty();
            self.beginning = true;
            match codec_name(&page.content) {
                Ok(()) if wanted => {
                    self.begun = None;
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
            self.begun = None;
        }
        link.next_sequence = page.sequence.wrapping_add(1);
        // The rest of a packet whose start is lost is passed over.
        let mut lost = page.flags & CONTINUED != 0 && self.begun.is_none();
        if page.flags & CONTINUED == 0 {
            self.begun = None;
        }
        let before = link.packets.len();
        let (mut from, mut to) = (0, 0);
        for (index, length) in page.lacing.iter().enumerate() {
            to += usize::from(*length);
            let ended = *length < 255;
            if !ended && index + 1 < page.lacing.len() {
                continue;
            }
            if !lost {
                let (mut parts, mut head) = self.begun.take().unwrap_or_default();
                parts.push(page.body.start + from..page.body.start + to);
                head.extend(page.content[from..to].iter().take(PACKET_HEAD - head.len()));
                if ended {
                    link.push(&parts, &head);
                } else {
                    self.begun = Some((parts, head));
                }
            }
            lost &= !ended;
            from = to;
        }
        if page.granule != u64::MAX && link.packets.len() > before {
            link.pages.truncate(FIRST_PAGES);
            link.pages.push(Ending { granule: page.granule, packets: link.packets.len(), samples: link.samples });
        }
    }

    fn track(self, bytes: &Input) -> Result<Track, Refusal> {
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
    /// Adds a packet with its first bytes. Of FLAC, packets of metadata are left out.
    fn push(&mut self, parts: &[Range<usize>], head: &[u8]) {
        if self.packets.is_empty() {
            self.flac = head.first() == Some(&0x7f);
        } else if self.flac && head.first() != Some(&0xff) {
            return;
        }
        if self.packets.len() >= OPUS_HEADERS {
            self.samples = self.samples.saturating_add(packet_samples(head));
        }
        for (index, part) in parts.iter().enumerate() {
            self.packets.push_part(part.clone(), index + 1 == parts.len());
        }
    }

    /// Headers and packets of the stream.
    fn segment(mut self, bytes: &Input) -> Result<Segment, Refusal> {
        let mut cursor = self.packets.start();
        let mut header = || {
            let mut packet = Vec::new();
            self.packets.next(&mut cursor, bytes, LONGEST_HEADER, &mut packet).then_some(packet)
        };
        let Some(first) = header() else { return damaged("no whole packet") };
        if first.starts_with(b"OpusHead") {
            let head = OpusHead::read(&first)?;
            // A stream that was recorded from its middle begins at another time than 0.
            let start = self.ending_after(OPUS_HEADERS).map_or(0, |page| page.granule.saturating_sub(page.samples));
            let length = self.length().saturating_sub(start);
            let length = if length == 0 { self.samples } else { length };
            self.packets.drop_first(OPUS_HEADERS);
            return Ok(head.segment(self.packets, length));
        }
        if first.starts_with(b"\x7fFLAC") {
            let (codec, _) = flac::codec(first.get(17..).unwrap_or_default())?;
            self.packets.drop_first(1);
            return Ok(Segment::whole(codec, self.packets));
        }
        let (Some(_comments), Some(setup)) = (header(), header()) else {
            return damaged("the file ends in its headers");
        };
        let headers = VorbisHeaders::read(&first, &setup)?;
        let (granule, packets) = self.ending_after(3).map_or((0, 3), |page| (page.granule, page.packets));
        let from_start = granule <= (packets - 3) as u64 * headers.longest_block();
        let length = self.length();
        let frames = if from_start && length > 0 { length } else { u64::MAX };
        self.packets.drop_first(3);
        Ok(Segment { frames, ..Segment::whole(Codec::Vorbis(headers), self.packets) })
    }

    /// The first page that ends a packet behind `headers` packets.
    fn ending_after(&self, headers: usize) -> Option<&Ending> {
        self.pages.iter().find(|page| page.packets > headers)
    }

    /// The position in time after the last packet.
    fn length(&self) -> u64 {
        self.pages.last().map_or(0, |page| page.granule)
    }
}
