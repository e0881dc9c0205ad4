//! Random access to the bytes of a file, of which a few pages are in memory at a time.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes per page.
const PAGE: usize = 1 << 16;

/// Pages in memory: a walk through an MP4 file reads three tables and the audio by turns.
const PAGES: usize = 8;

/// Most bytes that are read of a codec's description, whatever length a file claims for it: Vorbis has the longest, of some kilobytes.
const DESCRIPTION: usize = 1 << 20;

/// Bytes of the longest file, 4 GiB less 16 MiB in wasm: parsers add the lengths of headers to positions without a check.
const LONGEST: usize = usize::MAX - (1 << 24);

/// Bytes that numbers are read from: in memory, or in a file.
pub trait Bytes {
    /// The N bytes at `at`; `None` beyond the end.
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]>;
}

impl Bytes for [u8] {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.get(at..)?.first_chunk().copied()
    }
}

/// What a file is read from.
trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A file. What cannot be read is missing like what lies beyond its end; [`Input::failure`] tells one from the other.
pub struct Input {
    length: usize,
    pages: RefCell<Pages>,
}

struct Pages {
    source: Box<dyn ReadSeek>,
    /// The last pages that were used, the latest first: number and content.
    recent: Vec<(usize, Vec<u8>)>,
    failure: Option<String>,
}

impl Input {
    /// Takes a file that is as long as its last position tells.
    ///
    /// # Errors
    /// The source cannot be sought in, or is longer than this machine can count.
    pub fn new(mut source: impl Read + Seek + 'static) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= LONGEST) else {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {LONGEST} bytes")));
        };
        let pages = Pages { source: Box::new(source), recent: Vec::new(), failure: None };
        Ok(Self { length, pages: RefCell::new(pages) })
    }

    /// Bytes of the file; none once it could not be read, so that no search goes on.
    pub fn len(&self) -> usize {
        if self.pages.borrow().failure.is_none() { self.length } else { 0 }
    }

    /// What the source said when it could not be read, the first time.
    pub fn failure(&self) -> Option<String> {
        self.pages.borrow().failure.clone()
    }

    /// The byte at `at`.
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.array(at).map(|[byte]| byte)
    }

    /// Whether the file begins with `signature`.
    pub fn starts_with(&self, signature: &[u8]) -> bool {
        self.has(0, signature)
    }

    /// Whether `signature` lies at `at`.
    pub fn has(&self, at: usize, signature: &[u8]) -> bool {
        let end = at.saturating_add(signature.len());
        end <= self.length && self.read(at..end).is_some_and(|bytes| bytes == signature)
    }

    /// The first position in a range that holds `wanted`.
    pub fn find(&self, range: Range<usize>, wanted: u8) -> Option<usize> {
        let Range { start: mut at, end } = range.start..range.end.min(self.length);
        while at < end {
            let found = self.with_page(at / PAGE, |page| page[at % PAGE..].iter().position(|byte| *byte == wanted))?;
            if let Some(found) = found {
                return Some(at + found).filter(|found| *found < end);
            }
            at = (at / PAGE + 1) * PAGE;
        }
        None
    }

    /// The bytes of a range that lies in the file.
    pub fn read(&self, range: Range<usize>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.append(range, &mut bytes)?;
        Some(bytes)
    }

    /// The start of a range, at most [`DESCRIPTION`] bytes; less if the file ends before.
    pub fn description(&self, range: Range<usize>) -> Vec<u8> {
        let end = range.end.min(self.length).min(range.start.saturating_add(DESCRIPTION));
        self.read(range.start.min(end)..end).unwrap_or_default()
    }

    /// Appends the bytes of a range that lies in the file.
    pub fn append(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Option<()> {
        let Range { start: mut at, end } = range;
        if end > self.length || at > end {
            return None;
        }
        bytes.reserve(end - at);
        while at < end {
            let taken = (PAGE - at % PAGE).min(end - at);
            let part = at % PAGE..at % PAGE + taken;
            self.with_page(at / PAGE, |page| bytes.extend_from_slice(&page[part]))?;
            at += taken;
        }
        Some(())
    }

    /// Calls `look` with a page, which is read unless it is one of the last ones used.
    fn with_page<T>(&self, number: usize, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut pages = self.pages.borrow_mut();
        match pages.recent.iter().position(|(recent, _)| *recent == number) {
            Some(place) => pages.recent[..=place].rotate_right(1),
            None => pages.load(number, self.length)?,
        }
        pages.recent.first().map(|(_, page)| look(page))
    }
}

impl Bytes for Input {
    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let end = at.checked_add(N)?;
        if end > self.length {
            return None;
        }
        if at / PAGE == (end - 1) / PAGE {
            return self.with_page(at / PAGE, |page| page.array(at % PAGE))?;
        }
        self.read(at..end)?.array(0)
    }
}

impl Pages {
    /// Reads a page in place of the one that was not used for longest.
    fn load(&mut self, number: usize, length: usize) -> Option<()> {
        if self.failure.is_some() {
            return None;
        }
        let start = number * PAGE;
        let mut page = if self.recent.len() < PAGES { Vec::new() } else { self.recent.pop()?.1 };
        page.resize(PAGE.min(length - start), 0);
        let read = self.source.seek(SeekFrom::Start(start as u64)).and_then(|_| self.source.read_exact(&mut page));
        if let Err(error) = read {
            self.failure.get_or_insert_with(|| error.to_string());
            return None;
        }
        self.recent.insert(0, (number, page));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn every_place_of_a_file_reads_as_in_memory() {
        let content: Vec<u8> = (0..(PAGES + 3) * PAGE + 77).map(|at| (at * at / 7 + at / PAGE) as u8).collect();
        let input = Input::new(Cursor::new(content.clone())).unwrap();
        assert_eq!(input.len(), content.len());
        for at in [0, 1, PAGE - 3, PAGE, 9 * PAGE - 1, 2 * PAGE + 5, content.len() - 4, content.len() - 3, usize::MAX] {
            assert_eq!(input.array::<4>(at), content.as_slice().array(at), "{at}");
        }
        for range in [0..0, 5..content.len(), PAGE - 1..PAGE + 1, content.len()..content.len()] {
            assert_eq!(input.read(range.clone()).as_deref(), content.get(range));
        }
        assert_eq!(input.read(1..content.len() + 1), None);
        assert!(input.pages.borrow().recent.len() <= PAGES);
        assert_eq!(input.failure(), None);
    }

    #[test]
    fn a_byte_is_found_on_later_pages() {
        let mut content = vec![0; 3 * PAGE];
        (content[7], content[2 * PAGE + 1]) = (9, 9);
        let input = Input::new(Cursor::new(content)).unwrap();
        assert_eq!(
            [0, 7, 8, 2 * PAGE + 2].map(|at| input.find(at..usize::MAX, 9)),
            [Some(7), Some(7), Some(2 * PAGE + 1), None]
        );
        assert_eq!([7, 8].map(|end| input.find(0..end, 9)), [None, Some(7)]);
        assert!(input.has(2 * PAGE, &[0, 9]) && !input.has(3 * PAGE - 1, &[0, 0]));
        assert!(input.starts_with(&[0; 7]) && !input.starts_with(&[9]));
    }

    #[test]
    fn a_source_that_fails_is_told_from_one_that_ends() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        impl Seek for Broken {
            fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
                Ok(100)
            }
        }
        let input = Input::new(Broken).unwrap();
        assert_eq!((input.len(), input.byte(0), input.len()), (100, None, 0));
        assert_eq!(input.failure().as_deref(), Some("the disk is gone"));
    }
}
