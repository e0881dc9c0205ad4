//! Atoms: length, name, content.

use std::ops::Range;

use super::BIG;
use crate::audio::containers::bytes::tag;

/// The content of one atom.
#[derive(Clone, Copy)]
pub struct Atom<'a> {
    /// Four characters.
    pub name: [u8; 4],
    /// What follows the header.
    pub content: &'a [u8],
    /// Where the atom, header and all, begins in what was walked.
    pub start: usize,
}

impl<'a> Atom<'a> {
    /// The number at `at` in the content.
    pub fn u32(&self, at: usize) -> Option<u32> {
        BIG.u32(self.content, at)
    }

    /// The number at `at` in the content.
    pub fn u64(&self, at: usize) -> Option<u64> {
        BIG.u64(self.content, at)
    }

    /// The byte at `at` in the content.
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.content.get(at).copied()
    }

    /// The four characters at `at` in the content.
    pub fn tag(&self, at: usize) -> Option<[u8; 4]> {
        tag(self.content, at)
    }

    /// The atoms in it.
    pub fn children(&self) -> impl Iterator<Item = Atom<'a>> + use<'a> {
        atoms(self.content, 0..self.content.len())
    }
}

/// The first atom of a name in another.
pub fn child<'a>(parent: Atom<'a>, name: &[u8; 4]) -> Option<Atom<'a>> {
    parent.children().find(|atom| atom.name == *name)
}

/// The atoms of a range. One that goes beyond its end is cut there.
pub fn atoms(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Atom<'_>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let (length, name) = (BIG.u32(bytes, at)?, tag(bytes, at + 4)?);
        let (header, length) = match length {
            0 => (8, u64::MAX), // up to the end
            1 => (16, BIG.u64(bytes, at + 8)?),
            length => (8, length.into()),
        };
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length)).unwrap_or(usize::MAX);
        let (start, end) = (at, end.min(range.end));
        let content = bytes.get(at + header..end)?;
        at = end;
        Some(Atom { name, content, start })
    })
}
