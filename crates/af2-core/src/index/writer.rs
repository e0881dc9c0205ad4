//! Appends to an index, record by record.

use std::io::{Read, Write};

use super::header::{CHECKSUM, checksum};
use super::{AudioIndexError, IndexHeader, IndexReader, IndexRecord};

/// An index being written.
#[derive(Debug)]
pub struct IndexWriter<W> {
    sink: W,
    header: IndexHeader,
    chain: [u8; CHECKSUM],
}

impl<W: Write> IndexWriter<W> {
    /// Begins an index in an empty sink.
    ///
    /// # Errors
    /// The header is out of range, or the sink takes no more.
    pub fn create(mut sink: W, header: IndexHeader) -> Result<Self, AudioIndexError> {
        let bytes = header.to_bytes()?;
        sink.write_all(&bytes)?;
        let chain = bytes.last_chunk().copied().unwrap_or_default();
        Ok(Self { sink, header, chain })
    }

    /// Goes on with an index of which `reader` has read all records, in a sink that is cut to [`IndexReader::end`] and appends there.
    pub fn resume(sink: W, reader: &IndexReader<impl Read>) -> Self {
        Self { sink, header: reader.header().clone(), chain: reader.chain }
    }

    /// Appends a record, in one write.
    ///
    /// # Errors
    /// The record does not fit this index, or the sink takes no more.
    pub fn append(&mut self, record: &IndexRecord) -> Result<(), AudioIndexError> {
        let mut bytes = record.to_bytes(&self.header)?;
        self.chain = checksum(&self.chain, &bytes);
        bytes.extend(self.chain);
        Ok(self.sink.write_all(&bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::super::{IndexedFile, IndexedWindow};
    use super::*;

    const WIDTH: usize = 2;

    fn header() -> IndexHeader {
        let options = "{\"as\":\"mp3\"}".into();
        IndexHeader { model: [7; 32], width: WIDTH as u32, window_seconds: 10.0, hop_seconds: 5.0, options }
    }

    fn file(name: &str) -> IndexRecord {
        IndexRecord::File(IndexedFile { name: name.into(), bytes: 1 << 40, modified: 1_700_000_000 })
    }

    fn window(start: f64) -> IndexRecord {
        let tokens: Vec<f32> = (0..64 * WIDTH).map(|i| i as f32 - 60.5).collect();
        let tokens = IndexedWindow::stored_tokens(&tokens);
        IndexRecord::Window(IndexedWindow { start, seconds: 10.0, peak_dbfs: -3.0, rms_dbfs: -20.0, tokens })
    }

    /// Enough records that the first are not within reach of the end.
    fn records() -> Vec<IndexRecord> {
        let windows = (0..200).map(|i| window(f64::from(i) * 5.0));
        [file("a ü.wav")].into_iter().chain(windows).chain([IndexRecord::End, file("b.wav"), window(0.0)]).collect()
    }

    fn written(records: &[IndexRecord]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = IndexWriter::create(&mut bytes, header()).unwrap();
        records.iter().for_each(|record| writer.append(record).unwrap());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(Vec<IndexRecord>, u64, bool), AudioIndexError> {
        let mut reader = IndexReader::open(bytes, bytes.len() as u64)?;
        assert_eq!(*reader.header(), header());
        let mut records = Vec::new();
        while let Some(record) = reader.next_record()? {
            records.push(record);
        }
        Ok((records, reader.end(), reader.torn()))
    }

    #[test]
    fn records_come_back() {
        let bytes = written(&records());
        assert_eq!(read(&bytes).unwrap(), (records(), bytes.len() as u64, false));
        let Some(IndexRecord::Window(window)) = records().into_iter().nth(1) else { panic!("a window") };
        assert_eq!(window.tokens_f32().next(), Some(-60.5));
        let huge = IndexedWindow::stored_tokens(&[1e6, -1e6]);
        assert_eq!(huge, [f16::MAX, f16::MIN]);
    }

    #[test]
    fn a_torn_tail_is_cut_off_and_writing_goes_on() {
        let all = records();
        let whole = written(&all);
        let before = written(&all[..all.len() - 1]).len();
        for length in [before, before + 1, before + 5, before + 6, whole.len() - 1] {
            let mut bytes = whole[..length].to_vec();
            let mut reader = IndexReader::open(&bytes[..], length as u64).unwrap();
            let count = std::iter::from_fn(|| reader.next_record().unwrap()).count();
            assert_eq!((count, reader.end(), reader.torn()), (all.len() - 1, before as u64, length > before));
            let mut rest = Vec::new();
            IndexWriter::resume(&mut rest, &reader).append(&all[all.len() - 1]).unwrap();
            bytes.truncate(before);
            bytes.extend(rest);
            assert_eq!(bytes, whole, "as if it had never been interrupted");
        }
        let mut zeros = whole.clone();
        zeros.extend([0; 300]);
        assert_eq!(read(&zeros).unwrap(), (all, whole.len() as u64, true), "a disk lost power");
    }

    #[test]
    fn tampering_is_found() {
        let (all, whole) = (records(), written(&records()));
        let first = header().to_bytes().unwrap().len();
        let at = |count: usize| written(&all[..count]).len();
        let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        for place in [first, first + 2, first + 20, at(1), at(1) + 3, at(1) + 100, at(2) - 1] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            assert!(refused(&bytes).contains("damaged at byte"), "{place}");
        }
        let without = [&whole[..at(1)], &whole[at(2)..]].concat();
        assert!(refused(&without).contains(&format!("damaged at byte {}", at(1))), "a record was taken out");
        let swapped = [&whole[..at(1)], &whole[at(2)..at(3)], &whole[at(1)..at(2)], &whole[at(3)..]].concat();
        assert!(refused(&swapped).contains("damaged"), "two records changed places");
        let mut long = whole.clone();
        long[first + 1..first + 5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(refused(&long).contains("damaged"), "a length of 4 GB is not believed");
    }

    #[test]
    fn headers_are_checked() {
        let bytes = written(&[]);
        let with = |at: usize, value: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            read(&bytes).unwrap_err().to_string()
        };
        assert!(with(0, b'B').contains("no index of audio"));
        assert!(with(8, 2).contains("format 2, and this version reads 1"));
        assert!(with(12, 9).contains("checksum"));
        assert!(with(67, 255).contains("too long"), "of the options");
        assert!(read(&[]).unwrap_err().to_string().contains("no index"));
        assert!(read(&bytes[..20]).unwrap_err().to_string().contains("cut short"));
        assert!(read(&bytes[..bytes.len() - 1]).unwrap_err().to_string().contains("cut short"));
        for wrong in [IndexHeader { width: 0, ..header() }, IndexHeader { hop_seconds: f64::NAN, ..header() }] {
            assert!(IndexWriter::create(Vec::new(), wrong).is_err());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut writer = IndexWriter::create(Vec::new(), header()).unwrap();
        assert!(writer.append(&file(&"a".repeat(40_000))).unwrap_err().to_string().contains("at most 32768"));
        let IndexRecord::Window(right) = window(0.0) else { panic!("a window") };
        let short = IndexedWindow { tokens: vec![f16::ONE; 3], ..right.clone() };
        assert!(writer.append(&IndexRecord::Window(short)).unwrap_err().to_string().contains("3 numbers"));
        let timeless = IndexedWindow { start: f64::NAN, ..right };
        assert!(writer.append(&IndexRecord::Window(timeless)).is_err());
        let other = |wanted: IndexHeader| header().check_same(&wanted).unwrap_err().to_string();
        assert!(other(IndexHeader { model: [8; 32], ..header() }).contains("another model"));
        assert!(other(IndexHeader { width: 4, ..header() }).contains("another model"));
        assert!(other(IndexHeader { hop_seconds: 10.0, ..header() }).contains("windows of 10 s every 5 s"));
        assert!(other(IndexHeader { options: String::new(), ..header() }).contains("the options"));
        assert!(header().check_same(&header()).is_ok());
    }
}
