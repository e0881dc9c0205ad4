//! MP4, M4A and QuickTime files, whole or in fragments.

mod atom;
mod edits;
mod entry;
mod fragments;
mod table;

pub use entry::decoder_configuration;

use self::atom::{Atom, atoms, child};
use self::edits::{ALL, Part};
use self::entry::Entry;
use super::bytes::{Order, tag};
use super::{CUT_SHORT, aac};
use crate::audio::codecs::Codec;
use crate::audio::input::Input;
use crate::audio::packets::Packets;
use crate::audio::refusal::{Refusal, damaged};
use crate::audio::track::{Segment, Track};
use crate::config::MOST_SECONDS;

const BIG: Order = Order::Big;

/// Whether this is an MP4 or QuickTime file.
pub fn is(bytes: &Input) -> bool {
    let kinds = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof"];
    tag(bytes, 4).is_some_and(|name| kinds.contains(&&name))
}

/// An audio track of the `moov` atom.
struct AudioTrack<'a> {
    /// Its number, which fragments refer to.
    number: u32,
    entry: Entry<'a>,
    table: Atom<'a>,
    /// Units per second of its media, and of the edit list's durations.
    timescales: (u32, u32),
    edits: Option<Atom<'a>>,
}

/// The first audio track that can be decoded.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    let Some(movie) = atoms(bytes, 0..bytes.len()).find(|atom| atom.name == *b"moov") else {
        return damaged("its index (moov), which comes last, is missing");
    };
    let movie_timescale = child(movie, b"mvhd").map_or(0, |header| timescale(header, 12, 20));
    let mut refusal = None;
    for track in movie.children().filter(|atom| atom.name == *b"trak") {
        let Some(media) = child(track, b"mdia") else { continue };
        match audio_track(track, media, movie_timescale) {
            None => {}
            Some(Err(error)) => refusal = refusal.or(Some(error)),
            Some(Ok(audio)) => return audio.track(bytes, movie),
        }
    }
    Err(refusal.unwrap_or_else(|| Refusal::NoAudio("no sound track".into())))
}

/// A `mvhd` or `mdhd` atom's units per second; the field's place depends on the version.
fn timescale(header: Atom, narrow: usize, wide: usize) -> u32 {
    let at = if header.byte(0) == Some(1) { wide } else { narrow };
    header.u32(at).unwrap_or(0)
}

/// The track if it is audio.
fn audio_track<'a>(track: Atom<'a>, media: Atom<'a>, movie: u32) -> Option<Result<AudioTrack<'a>, Refusal>> {
    let handler = child(media, b"hdlr")?;
    if handler.tag(8)? != *b"soun" {
        return None;
    }
    let table = child(child(media, b"minf")?, b"stbl")?;
    let number = child(track, b"tkhd").and_then(|header| header.u32(if header.byte(0) == Some(1) { 20 } else { 12 }));
    let media_timescale = child(media, b"mdhd").map_or(0, |header| timescale(header, 12, 20));
    let edits = child(track, b"edts").and_then(|edits| child(edits, b"elst"));
    Some(child(table, b"stsd").map_or_else(|| damaged("a track without description"), Entry::read).map(|mut entry| {
        if entry.rate == 0 {
            entry.rate = media_timescale; // the field is too narrow for rates above 65 535
        }
        AudioTrack { number: number.unwrap_or(0), entry, table, timescales: (media_timescale, movie), edits }
    }))
}

impl AudioTrack<'_> {
    fn track(self, bytes: &Input, movie: Atom) -> Result<Track, Refusal> {
        let codec = self.entry.codec()?;
        let mut samples = table::Samples::default();
        match &codec {
            Codec::Pcm(format) => table::chunks(self.table, format.frame_bytes(), bytes.len(), &mut samples),
            _ => table::samples(self.table, bytes.len(), &mut samples),
        }
        fragments::samples(bytes, movie, self.number, &mut samples);
        if samples.packets.is_empty() {
            return damaged(if samples.cut {
                "the file ends before its audio"
            } else {
                "an audio track without samples"
            });
        }
        let mut notices = Vec::new();
        notices.extend(samples.cut.then(|| CUT_SHORT.into()));
        if self.entry.is_aac() {
            notices.extend(aac::notice(bytes, &samples.packets, self.entry.rate));
        }
        let parts = self.edits.map_or_else(Vec::new, |list| edits::parts(list, self.timescales));
        let segments = match parts[..] {
            [] => vec![self.segment(codec, samples.packets, ALL)],
            [part] => vec![self.segment(codec, samples.packets, part)],
            [first, ..] => match self.times(&codec, &samples.packets) {
                Some(times) => self.joined(&samples.packets, &parts, &times)?,
                None => {
                    notices.push(
                        "its edit list joins parts of fragments; it is heard as recorded, from the first part on"
                            .into(),
                    );
                    vec![self.segment(codec, samples.packets, Part { start: first.start, ..ALL })]
                }
            },
        };
        Ok(Track { segments, notices })
    }

    /// A segment for every part of an edit list, up to the most that is heard of any audio.
    fn joined(&self, packets: &Packets, parts: &[Part], times: &[u64]) -> Result<Vec<Segment>, Refusal> {
        let most = MOST_SECONDS as u64 * u64::from(self.timescales.0);
        let (mut segments, mut heard) = (Vec::new(), 0u64);
        for part in parts {
            let (range, part) = edits::needed(*part, times);
            segments.push(self.segment(self.entry.codec()?, packets.part(range), part));
            heard = heard.saturating_add(part.length);
            if heard >= most {
                break;
            }
        }
        Ok(segments)
    }

    /// When every packet begins, and the last one ends, in units of the media's time; none if the tables do not tell.
    fn times(&self, codec: &Codec, packets: &Packets) -> Option<Vec<u64>> {
        let mut times = vec![0u64];
        let mut end = 0u64;
        if let Codec::Pcm(format) = codec {
            let (timescale, rate) = (u64::from(self.timescales.0), u64::from(self.entry.rate).max(1));
            for length in packets.lengths() {
                end += (length / format.frame_bytes()) as u64;
                times.push(end * timescale / rate);
            }
            return Some(times);
        }
        for (count, units) in table::durations(self.table) {
            for _ in 0..count {
                if times.len() > packets.len() {
                    return None; // samples without bytes, which no packet stands for
                }
                end = end.saturating_add(units.into());
                times.push(end);
            }
        }
        (times.len() == packets.len() + 1).then_some(times)
    }

    fn segment(&self, codec: Codec, packets: Packets, Part { start, length }: Part) -> Segment {
        let timescale = u64::from(self.timescales.0.max(1));
        match codec {
            Codec::Opus(head) => {
                // Where there is no edit list, the header tells what to drop.
                let clock =
                    |units: u64| if units == u64::MAX { units } else { units.saturating_mul(48_000) / timescale };
                let skip = if self.edits.is_some() { clock(start) } else { head.pre_skip.into() };
                let mut segment = head.clone().segment(packets, u64::MAX);
                segment.skip = head.frames(skip);
                segment.frames = if length == u64::MAX { length } else { head.frames(clock(length)) };
                segment
            }
            codec => {
                let rate = u64::from(self.entry.rate);
                let frames =
                    |units: u64| if units == u64::MAX { units } else { units.saturating_mul(rate) / timescale };
                Segment { codec, packets, skip: frames(start), frames: frames(length) }
            }
        }
    }
}
