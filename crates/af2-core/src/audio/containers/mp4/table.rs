//! Sample tables: where the samples of a track lie.

use super::atom::{Atom, child};
use crate::audio::packets::Packets;

/// Samples found so far.
#[derive(Default)]
pub struct Samples {
    /// Where they lie in the file.
    pub packets: Packets,
    /// Whether some lie beyond its end.
    pub cut: bool,
}

impl Samples {
    /// Adds a sample if the file holds it.
    pub fn add(&mut self, start: u64, length: u64, file: usize) {
        match (usize::try_from(start), usize::try_from(start.saturating_add(length))) {
            (Ok(start), Ok(end)) if end <= file => {
                if length > 0 {
                    self.packets.push(start..end);
                }
            }
            _ => self.cut = true,
        }
    }
}

/// Every chunk: its position, and the samples in it.
fn each_chunk(table: Atom, mut visit: impl FnMut(u64, u32) -> bool) {
    let (narrow, wide, runs) = (child(table, b"stco"), child(table, b"co64"), child(table, b"stsc"));
    let offset = |index: usize| match (narrow, wide) {
        (Some(narrow), _) => narrow.u32(8 + 4 * index).map(u64::from),
        (None, Some(wide)) => wide.u64(8 + 8 * index),
        (None, None) => None,
    };
    let Some(runs) = runs else { return };
    let run_starts = |run: usize| runs.u32(8 + 12 * run).map(|first| first as usize);
    let mut run = 0;
    let mut chunk = 0;
    while let Some(at) = offset(chunk) {
        // The run whose first chunk (counted from 1) is the last one not after this.
        while run_starts(run + 1).is_some_and(|first| first <= chunk + 1) {
            run += 1;
        }
        let Some(samples) = runs.u32(12 + 12 * run) else { return };
        if !visit(at, samples) {
            return;
        }
        chunk += 1;
    }
}

/// The samples of a compressed track.
pub fn samples(table: Atom, file: usize, found: &mut Samples) {
    let Some(sizes) = child(table, b"stsz") else { return };
    let (Some(fixed), Some(count)) = (sizes.u32(4), sizes.u32(8)) else { return };
    let mut sample = 0;
    each_chunk(table, |mut at, samples| {
        for _ in 0..samples.min(count - sample) {
            let size = if fixed > 0 { Some(fixed) } else { sizes.u32(12 + 4 * sample as usize) };
            let Some(size) = size.map(u64::from) else { return false };
            found.add(at, size, file);
            (at, sample) = (at.saturating_add(size), sample + 1);
            if fixed > 0 && found.cut {
                return false; // a count without a table may be anything
            }
        }
        sample < count
    });
}

/// Length of every sample of a compressed track in units of its media's time, as runs of equal ones: samples, units.
pub fn durations(table: Atom) -> impl Iterator<Item = (u32, u32)> {
    let runs = child(table, b"stts");
    (0..).map_while(move |run: usize| Some((runs?.u32(8 + 8 * run)?, runs?.u32(12 + 8 * run)?)))
}

/// The chunks of an uncompressed track, whose samples are frames. Of a chunk that the file cuts, the start counts.
pub fn chunks(table: Atom, frame_bytes: usize, file: usize, found: &mut Samples) {
    each_chunk(table, |at, samples| {
        let length = u64::from(samples) * frame_bytes as u64;
        let there = (file as u64).saturating_sub(at);
        found.add(at, length.min(there), file);
        found.cut |= there < length;
        there > length
    });
}
