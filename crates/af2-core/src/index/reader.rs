//! Reads an index, record by record.

use std::io::Read;

use super::header::{CHECKSUM, checksum, take};
use super::{AudioIndexError, IndexHeader, IndexRecord};

/// Bytes of a record before its content: kind and length.
const PREFIX: usize = 5;

/// An index being read. It holds one record; every one was checked.
#[derive(Debug)]
pub struct IndexReader<R> {
    source: R,
    header: IndexHeader,
    /// Checksum of what was read last.
    pub(super) chain: [u8; CHECKSUM],
    /// Bytes of the header and the whole records so far.
    end: u64,
    /// Bytes of the source.
    length: u64,
    torn: bool,
}

impl<R: Read> IndexReader<R> {
    /// Reads the header of a source of `length` bytes.
    ///
    /// # Errors
    /// The source is no index of this version, or its header is damaged.
    pub fn open(mut source: R, length: u64) -> Result<Self, AudioIndexError> {
        let (header, bytes) = IndexHeader::read(&mut source)?;
        let chain = bytes.last_chunk().copied().unwrap_or_default();
        Ok(Self { source, header, chain, end: bytes.len() as u64, length, torn: false })
    }

    /// What all windows have in common.
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    /// Bytes of the header and of all records that were read: where the next is appended once there are no more.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the source ends with a part of a record, as a run leaves it that was interrupted. Known once there are no more records.
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// The next record; none at the end, or before a part of a record.
    ///
    /// # Errors
    /// [`AudioIndexError::Damaged`], or the source cannot be read.
    pub fn next_record(&mut self) -> Result<Option<IndexRecord>, AudioIndexError> {
        if self.torn {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(PREFIX);
        let found = take(&mut self.source, PREFIX, &mut bytes)?;
        let Some(&[kind, a, b, c, d]) = bytes.first_chunk::<PREFIX>() else {
            self.torn = found > 0;
            return Ok(None);
        };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if !IndexRecord::may_have(&self.header, kind, length) {
            return self.bad();
        }
        let rest = length + CHECKSUM;
        bytes.reserve_exact(rest);
        if take(&mut self.source, rest, &mut bytes)? < rest {
            self.torn = true;
            return Ok(None);
        }
        let Some((record, sum)) = bytes.split_last_chunk() else { return self.bad() };
        if checksum(&self.chain, record) != *sum {
            return self.bad();
        }
        let Some(parsed) = IndexRecord::parse(kind, &record[PREFIX..]) else { return self.bad() };
        self.chain = *sum;
        self.end += bytes.len() as u64;
        Ok(Some(parsed))
    }

    /// A record that is not as it was written: torn if it may be the last, else damaged.
    fn bad(&mut self) -> Result<Option<IndexRecord>, AudioIndexError> {
        let last = (PREFIX + IndexRecord::longest(&self.header) + CHECKSUM) as u64;
        self.torn = self.length.saturating_sub(self.end) <= last;
        if self.torn { Ok(None) } else { Err(AudioIndexError::Damaged { at: self.end }) }
    }
}
