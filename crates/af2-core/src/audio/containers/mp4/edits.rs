//! Edit lists: which parts of a track are heard, in which order.

use std::ops::Range;

use super::atom::Atom;

/// Most parts that are followed; real lists have one or two, those of editors some dozens.
const MOST_PARTS: usize = 4096;

/// Packets that are decoded before a part and not heard: decoders overlap neighbours, and MP3 borrows bits from the last nine.
const RUN_UP: usize = 10;

/// A part of a track in units of its media's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where it starts.
    pub start: u64,
    /// How long it is; `u64::MAX` for all there is.
    pub length: u64,
}

/// All of a track.
pub const ALL: Part = Part { start: 0, length: u64::MAX };

/// The parts that an edit list names; `timescales` are the units per second of the media and of the list's durations. Pauses, which
/// start at -1, are left out.
pub fn parts(list: Atom, timescales: (u32, u32)) -> Vec<Part> {
    let wide = list.byte(0) == Some(1);
    let entry = |index: usize| -> Option<(u64, i64)> {
        if wide {
            Some((list.u64(8 + 20 * index)?, list.u64(16 + 20 * index)? as i64))
        } else {
            let (duration, start) = (list.u32(8 + 12 * index)?, list.u32(12 + 12 * index)?);
            Some((duration.into(), i64::from(start as i32)))
        }
    };
    let count = list.u32(4).unwrap_or(0) as usize;
    let heard: Vec<(u64, i64)> = (0..count.min(MOST_PARTS)).map_while(entry).filter(|(_, start)| *start >= 0).collect();
    // Durations are rounded to the movie's units: a single part must not lose its end for that. Fragmented files state 0.
    let slack = u64::from(heard.len() == 1);
    let (media, movie) = (u64::from(timescales.0), u64::from(timescales.1));
    let length = |duration: u64| match duration.saturating_add(slack).saturating_mul(media).checked_div(movie) {
        Some(length) if duration > 0 => length,
        _ => u64::MAX,
    };
    heard.into_iter().map(|(duration, start)| Part { start: start as u64, length: length(duration) }).collect()
}

/// The packets that a part needs, of packets that begin at `times` (one more than packets: the last is the end), and where the part
/// starts after the first of them.
pub fn needed(part: Part, times: &[u64]) -> (Range<usize>, Part) {
    let packets = times.len().saturating_sub(1);
    let first = times.partition_point(|time| *time <= part.start).saturating_sub(1 + RUN_UP).min(packets);
    let end = part.start.saturating_add(part.length);
    // One packet more than lie in the part: some decoders are a packet late.
    let last = times.partition_point(|time| *time < end).saturating_add(1).min(packets);
    let start = part.start - times.get(first).copied().unwrap_or(0).min(part.start);
    (first..last.max(first), Part { start, ..part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_needs_its_packets_and_some_before() {
        let times: Vec<u64> = (0..=100).map(|packet| packet * 1024).collect();
        let part = |start, length| Part { start, length };
        assert_eq!(needed(part(0, 5000), &times), (0..6, part(0, 5000)));
        assert_eq!(needed(part(50 * 1024 + 7, 1024), &times), (40..53, part(10 * 1024 + 7, 1024)));
        assert_eq!(needed(part(99 * 1024, u64::MAX), &times), (89..100, part(10 * 1024, u64::MAX)));
        assert_eq!(needed(part(500 * 1024, 1024), &times).0, 90..100, "a part beyond the end is empty");
        assert_eq!(needed(part(7, 7), &[]), (0..0, part(7, 7)));
    }
}
