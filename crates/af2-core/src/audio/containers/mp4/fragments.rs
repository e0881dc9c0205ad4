//! Fragments: `moof` atoms with parts of the sample table, as browsers and streams write them.

use super::atom::{Atom, atoms, child};
use super::table::Samples;
use crate::audio::input::Input;

const BASE_OFFSET: u32 = 1;
const DESCRIPTION: u32 = 2;
const DEFAULT_DURATION: u32 = 8;
const DEFAULT_SIZE: u32 = 0x10;

const DATA_OFFSET: u32 = 1;
const FIRST_FLAGS: u32 = 4;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const COMPOSITION: u32 = 0x800;

/// Adds the samples of track `number` in all fragments.
pub fn samples(bytes: &Input, movie: Atom, number: u32, found: &mut Samples) {
    let extends = child(movie, b"mvex").into_iter().flat_map(|extends| extends.children());
    let default_size =
        extends.filter(|atom| atom.name == *b"trex" && atom.u32(4) == Some(number)).find_map(|atom| atom.u32(16));
    for fragment in atoms(bytes, 0..bytes.len()).filter(|atom| atom.name == *b"moof") {
        for track in fragment.children().filter(|atom| atom.name == *b"traf") {
            if let Some(header) = child(track, b"tfhd").filter(|header| header.u32(4) == Some(number)) {
                runs(fragment, track, header, default_size.unwrap_or(0), bytes.len(), found);
            }
        }
    }
}

fn runs(fragment: Atom, track: Atom, header: Atom, default_size: u32, file: usize, found: &mut Samples) {
    let Some(flags) = header.u32(0) else { return };
    let field = |flag: u32, fields: &[(u32, usize)]| {
        let before: usize = fields.iter().filter(|(other, _)| flags & other != 0).map(|(_, length)| length).sum();
        (flags & flag != 0).then_some(8 + before)
    };
    let base = field(BASE_OFFSET, &[]).and_then(|at| header.u64(at)).unwrap_or(fragment.start as u64);
    let before_size = [(BASE_OFFSET, 8), (DESCRIPTION, 4), (DEFAULT_DURATION, 4)];
    let size = field(DEFAULT_SIZE, &before_size).and_then(|at| header.u32(at)).unwrap_or(default_size);
    let mut next = base;
    for run in track.children().filter(|atom| atom.name == *b"trun") {
        next = run_samples(run, base, next, size, file, found).unwrap_or(next);
    }
}

/// The samples of one run; where the next run begins unless it says so itself.
fn run_samples(run: Atom, base: u64, next: u64, default_size: u32, file: usize, found: &mut Samples) -> Option<u64> {
    let (flags, count) = (run.u32(0)?, run.u32(4)?);
    let mut field = 8;
    let mut at = next;
    if flags & DATA_OFFSET != 0 {
        at = base.saturating_add_signed(i64::from(run.u32(field)? as i32));
        field += 4;
    }
    field += if flags & FIRST_FLAGS != 0 { 4 } else { 0 };
    for _ in 0..count {
        let mut size = default_size;
        for flag in [DURATION, SIZE, FLAGS, COMPOSITION].into_iter().filter(|flag| flags & flag != 0) {
            let value = run.u32(field)?;
            if flag == SIZE {
                size = value;
            }
            field += 4;
        }
        if size == 0 && flags & SIZE == 0 {
            return None; // a count without sizes would go on for ever
        }
        found.add(at, size.into(), file);
        at = at.saturating_add(size.into());
        if found.cut {
            return None;
        }
    }
    Some(at)
}
