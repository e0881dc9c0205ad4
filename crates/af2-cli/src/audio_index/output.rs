//! An index that is written: begun, or gone on with.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Seek, SeekFrom};
use std::path::Path;

use af2_core::index::{IndexHeader, IndexReader, IndexRecord, IndexWriter, IndexedFile};
use anyhow::{Context, Result, bail, ensure};

use crate::terminal::note;

/// What an index holds of a file.
struct Known {
    /// The file when it was indexed.
    file: IndexedFile,
    /// Where the next window begins at the earliest, in seconds.
    from: f64,
    /// Whether it was indexed to its end.
    whole: bool,
}

/// An index open for appending.
pub struct IndexOutput {
    writer: IndexWriter<File>,
    known: HashMap<String, Known>,
}

impl IndexOutput {
    /// Opens an index, or begins one. A part of a record at its end, which an interrupted run left, is cut off.
    ///
    /// # Errors
    /// The file cannot be written, is in use, damaged, no index, or of another model or other settings.
    pub fn open(path: &Path, header: IndexHeader) -> Result<Self> {
        let shown = path.display();
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.with_context(|| format!("cannot write the index {shown}"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another af2 index is writing {shown}; wait for its end"),
            Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {shown}")),
        }
        let length = file.metadata().with_context(|| format!("cannot read {shown}"))?.len();
        let named = || format!("the index {shown}");
        if length == 0 {
            let writer = IndexWriter::create(file, header).with_context(named)?;
            return Ok(Self { writer, known: HashMap::new() });
        }
        let source = BufReader::new(file.try_clone().with_context(named)?);
        let mut reader = IndexReader::open(source, length).with_context(named)?;
        reader.header().check_same(&header).with_context(named)?;
        let known = known(&mut reader).with_context(named)?;
        if reader.torn() {
            note(format_args!("{shown} ends within a record of an interrupted run, which is cut off"));
            file.set_len(reader.end()).with_context(named)?;
        }
        file.seek(SeekFrom::Start(reader.end())).with_context(named)?;
        Ok(Self { writer: IndexWriter::resume(file, &reader), known })
    }

    /// Where in a file the windows begin that it does not hold, in seconds; none if it holds all.
    ///
    /// # Errors
    /// The file is not the one that was indexed under this name.
    pub fn missing(&self, file: &IndexedFile) -> Result<Option<f64>> {
        let Some(known) = self.known.get(&file.name) else { return Ok(Some(0.0)) };
        ensure!(known.file == *file, "it has changed since it was indexed; make a new index with another --out");
        Ok((!known.whole).then_some(known.from))
    }

    /// Appends a record.
    ///
    /// # Errors
    /// The disk is full.
    pub fn append(&mut self, record: &IndexRecord) -> Result<()> {
        self.writer.append(record).context("cannot write to the index; the same command goes on from here")
    }
}

/// Reads all records, and notes how far each file was indexed.
fn known(reader: &mut IndexReader<BufReader<File>>) -> Result<HashMap<String, Known>> {
    let mut known: HashMap<String, Known> = HashMap::new();
    let mut name = String::new();
    while let Some(record) = reader.next_record()? {
        match (record, known.get_mut(&name)) {
            (IndexRecord::File(file), _) => {
                name.clone_from(&file.name);
                known.entry(name.clone()).or_insert(Known { file, from: 0.0, whole: false });
            }
            // A little after its start: the next begins a hop later.
            (IndexRecord::Window(window), Some(known)) => known.from = known.from.max(window.start + 1e-3),
            (IndexRecord::End, Some(known)) => known.whole = true,
            (_, None) => {}
        }
    }
    Ok(known)
}
