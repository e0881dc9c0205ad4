//! Atoms: length, name, content.

use std::ops::Range;

use super::BIG;
use crate::audio::containers::bytes::tag;
use crate::audio::input::{Bytes, Input};

/// The content of one atom.
#[derive(Clone, Copy)]
pub struct Atom<'a> {
    /// Four characters.
    pub name: [u8; 4],
    /// Where the atom, header and all, begins in the file.
    pub start: usize,
    /// The file, and where in it what follows the header begins and ends.
    bytes: &'a Input,
    content: usize,
    end: usize,
}

impl<'a> Atom<'a> {
    /// The number at `at` in the content.
    pub fn u16(&self, at: usize) -> Option<u16> {
        BIG.u16(self, at)
    }

    /// The number at `at` in the content.
    pub fn u32(&self, at: usize) -> Option<u32> {
        BIG.u32(self, at)
    }

    /// The number at `at` in the content.
    pub fn u64(&self, at: usize) -> Option<u64> {
        BIG.u64(self, at)
    }

    /// The number at `at` in the content.
    pub fn f64(&self, at: usize) -> Option<f64> {
        BIG.f64(self, at)
    }

    /// The byte at `at` in the content.
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.array(at).map(|[byte]| byte)
    }

    /// The four characters at `at` in the content.
    pub fn tag(&self, at: usize) -> Option<[u8; 4]> {
        tag(self, at)
    }

    /// The content from `at` on, of a description; none if it ends before.
    pub fn rest(&self, at: usize) -> Option<Vec<u8>> {
        let start = self.content.checked_add(at).filter(|start| *start <= self.end)?;
        Some(self.bytes.description(start..self.end))
    }

    /// The atoms in it.
    pub fn children(&self) -> impl Iterator<Item = Atom<'a>> + use<'a> {
        self.children_from(0)
    }

    /// The atoms from `at` on in it.
    pub fn children_from(&self, at: usize) -> impl Iterator<Item = Atom<'a>> + use<'a> {
        atoms(self.bytes, self.content.saturating_add(at)..self.end)
    }
}

impl Bytes for Atom<'_> {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let start = self.content.checked_add(at)?;
        (start.checked_add(N)? <= self.end).then(|| self.bytes.array(start))?
    }
}

/// The first atom of a name in another.
pub fn child<'a>(parent: Atom<'a>, name: &[u8; 4]) -> Option<Atom<'a>> {
    parent.children().find(|atom| atom.name == *name)
}

/// The atoms of a range. One that goes beyond its end is cut there.
pub fn atoms(bytes: &Input, range: Range<usize>) -> impl Iterator<Item = Atom<'_>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        // A header that the range cuts is none.
        let inside = |end: usize| (end <= range.end).then_some(());
        inside(at.checked_add(8)?)?;
        let (length, name) = (BIG.u32(bytes, at)?, tag(bytes, at + 4)?);
        let (header, length) = match length {
            0 => (8, u64::MAX), // up to the end
            1 => (16, BIG.u64(bytes, at + 8)?),
            length => (8, length.into()),
        };
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length)).unwrap_or(usize::MAX);
        let (start, content, end) = (at, at + header, end.min(range.end));
        if content > end {
            return None;
        }
        at = end;
        Some(Atom { name, start, bytes, content, end })
    })
}
