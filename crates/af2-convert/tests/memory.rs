//! A conversion without a file system, as in a browser: bytes from memory, files to memory, packed in place.
#![allow(clippy::unwrap_used)]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::path::Path;

use af2_convert::{Inline, Inputs, LocalFuture, Options, Release, Report, Sink, Source, StorageError};
use af2_core::weights::Scheme;
use af2_core::weights::index::{INDEX_FILE, ModelIndex};
use af2_core::weights::verify::ShardHasher;
use pollster::block_on;

/// The toy release, of which reads give up to `longest` bytes.
struct Memory {
    objects: BTreeMap<String, Vec<u8>>,
    longest: usize,
    /// Bytes of weight files that were read.
    weights_read: Cell<u64>,
    /// What was announced and not read yet.
    announced: RefCell<VecDeque<(String, Range<u64>)>>,
}

impl Memory {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tiny-a");
        let mut objects = BTreeMap::new();
        for part in ["configs", "lang_encoder", "safe_ckpt"] {
            for entry in std::fs::read_dir(folder.join(part)).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{part}/{}", path.file_name().unwrap().to_str().unwrap());
                objects.insert(name, std::fs::read(path).unwrap());
            }
        }
        Memory { objects, longest: usize::MAX, weights_read: Cell::new(0), announced: RefCell::default() }
    }

    fn object(&self, action: &'static str, name: &str) -> Result<&Vec<u8>, StorageError> {
        let absent = || StorageError { action, location: name.into(), reason: "no such object".into(), absent: true };
        self.objects.get(name).ok_or_else(absent)
    }

    fn convert(&self, sink: &mut dyn Sink) -> Result<Report, String> {
        self.convert_as(Scheme::Q4, sink)
    }

    fn convert_as(&self, scheme: Scheme, sink: &mut dyn Sink) -> Result<Report, String> {
        let inputs = Inputs { name: "toy", release: self, language_model: None, clap: None };
        let options = Options { scheme, shard_bytes: 1 << 20 };
        let report = block_on(async {
            let release = Release::open(&inputs).await?;
            release.convert(&options, &Inline, sink, &mut |_, _| {}).await
        });
        report.map_err(|error| error.to_string())
    }
}

impl Source for Memory {
    fn locate(&self, object: &str) -> String {
        format!("https://example.org/{object}")
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.object("open", object)?.len() as u64) })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let next = self.announced.borrow_mut().pop_front_if(|next| *next == (object.to_owned(), bytes.clone()));
            if next.is_some() {
                self.weights_read.set(self.weights_read.get() + bytes.end - bytes.start);
            }
            let bytes = &self.object("read", object)?[bytes.start as usize..bytes.end as usize];
            Ok(bytes[..bytes.len().min(self.longest)].to_vec())
        })
    }

    fn announce(&self, object: &str, bytes: Range<u64>) {
        self.announced.borrow_mut().push_back((object.into(), bytes));
    }
}

/// Files by name, in the order in which they were completed, up to `room` bytes together.
struct Files {
    open: Option<(String, Vec<u8>)>,
    complete: Vec<(String, Vec<u8>)>,
    room: usize,
}

impl Files {
    fn with_room(room: usize) -> Self {
        Files { open: None, complete: Vec::new(), room }
    }
}

impl Sink for Files {
    fn create<'a>(&'a mut self, file: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            assert!(self.open.is_none(), "one file at a time");
            self.open = Some((file.into(), Vec::new()));
            Ok(())
        })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let (name, file) = self.open.as_mut().unwrap();
            let full = StorageError { action: "write", location: name.clone(), reason: "full".into(), absent: false };
            self.room = self.room.checked_sub(bytes.len()).ok_or(full)?;
            file.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn finish(&mut self) -> LocalFuture<'_, ()> {
        Box::pin(async move {
            self.complete.extend(self.open.take());
            Ok(())
        })
    }
}

#[test]
fn a_release_in_memory_becomes_a_model_in_memory() {
    let mut files = Files::with_room(usize::MAX);
    let report = Memory::new().convert(&mut files).unwrap();
    assert_eq!(report.parameters, 2_657_924);
    let (last, index) = files.complete.last().unwrap();
    assert_eq!(last, INDEX_FILE, "an interrupted conversion has no index");
    let index = ModelIndex::parse(index).unwrap();
    assert_eq!(index.shards.len(), report.shards);
    for (name, shard) in &index.shards {
        let (_, bytes) = files.complete.iter().find(|(file, _)| file == name).unwrap();
        let mut hasher = ShardHasher::new();
        hasher.update(bytes);
        hasher.verify(name, shard.bytes, &shard.sha256).unwrap();
    }
    for small in ["config.json", "generation_config.json", "tokenizer.json"] {
        assert!(files.complete.iter().any(|(name, _)| name == small), "{small}");
    }
}

#[test]
fn a_server_that_sends_too_little_is_found_out() {
    let short = Memory { longest: 100_000, ..Memory::new() };
    let message = short.convert(&mut Files::with_room(usize::MAX)).unwrap_err();
    assert!(message.starts_with("cannot read https://example.org/"), "{message}");
    assert!(message.contains("100000 bytes came where"), "{message}");
}

#[test]
fn a_full_disk_ends_the_conversion() {
    let message = Memory::new().convert(&mut Files::with_room(500_000)).unwrap_err();
    assert!(message.starts_with("cannot write model-") && message.ends_with(": full"), "{message}");
}

#[test]
fn the_language_model_must_be_somewhere() {
    let mut memory = Memory::new();
    memory.objects.retain(|name, _| !name.starts_with("lang_encoder/"));
    let message = memory.convert(&mut Files::with_room(usize::MAX)).unwrap_err();
    let expected = "no base language model: https://example.org/lang_encoder/config.json does not exist";
    assert!(message.starts_with(expected), "{message}");
}

/// Files and a checkpoint that survive a killed conversion. After `writes` more writes and checkpoints the next is torn: half of its
/// bytes arrive, and the conversion ends.
#[derive(Default)]
struct Survivor {
    files: BTreeMap<String, Vec<u8>>,
    open: String,
    state: Option<Vec<u8>>,
    writes: usize,
    restarts: Vec<String>,
}

impl Survivor {
    fn killed(&mut self) -> Result<(), StorageError> {
        let killed =
            StorageError { action: "write", location: self.open.clone(), reason: "killed".into(), absent: false };
        self.writes = self.writes.checked_sub(1).ok_or(killed)?;
        Ok(())
    }

    /// Converts, killed after each `writes` writes, until nothing is left to do. Returns the kills.
    fn run(&mut self, release: &Memory, writes: usize) -> usize {
        for kills in 0..200 {
            self.writes = writes;
            release.announced.borrow_mut().clear();
            match release.convert(self) {
                Ok(_) => return kills,
                Err(message) => assert!(message.ends_with(": killed"), "{message}"),
            }
        }
        panic!("a conversion of {writes} writes at a time never ends");
    }
}

impl Sink for Survivor {
    fn create<'a>(&'a mut self, file: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.open = file.into();
            self.files.insert(file.into(), Vec::new());
            Ok(())
        })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let whole = self.killed();
            let arrived = if whole.is_ok() { bytes.len() } else { bytes.len() / 2 };
            self.files.get_mut(&self.open).unwrap().extend_from_slice(&bytes[..arrived]);
            whole
        })
    }

    fn finish(&mut self) -> LocalFuture<'_, ()> {
        Box::pin(async move { Ok(()) })
    }

    fn checkpoint<'a>(&'a mut self, state: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.killed()?;
            self.state = Some(state.to_vec());
            Ok(())
        })
    }

    fn last_checkpoint(&mut self) -> LocalFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.state.clone()) })
    }

    fn reopen<'a>(&'a mut self, file: &'a str, bytes: u64, seen: &'a mut dyn FnMut(&[u8])) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let short =
                || StorageError { action: "open", location: file.into(), reason: "too short".into(), absent: false };
            let contents = self.files.get_mut(file).filter(|found| found.len() as u64 >= bytes).ok_or_else(short)?;
            contents.truncate(bytes as usize);
            seen(contents);
            self.open = file.into();
            Ok(())
        })
    }

    fn restart<'a>(&'a mut self, reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.restarts.push(reason.into());
            self.files.clear();
            Ok(())
        })
    }
}

/// The files of a conversion that is not interrupted, and the bytes of weights that it reads.
fn uninterrupted() -> (BTreeMap<String, Vec<u8>>, u64) {
    let (release, mut sink) = (Memory::new(), Survivor { writes: usize::MAX, ..Survivor::default() });
    release.convert(&mut sink).unwrap();
    assert!(release.announced.borrow().is_empty(), "every announced range is read, in order");
    (sink.files, release.weights_read.get())
}

#[test]
fn a_conversion_killed_anywhere_goes_on_to_the_same_bytes() {
    let (expected, needed) = uninterrupted();
    for writes in [150, 211, 400] {
        let (release, mut sink) = (Memory::new(), Survivor::default());
        let kills = sink.run(&release, writes) as u64;
        assert!(kills > 0 && sink.restarts.is_empty(), "{writes}: {kills} kills, {:?}", sink.restarts);
        assert!(sink.files == expected, "{writes} writes at a time");
        // Read again is what no checkpoint covers: a block of 256 KiB and 1/512 of the whole.
        let again = release.weights_read.get() - needed;
        assert!(again <= kills * (300 << 10), "{writes}: {again} bytes again after {kills} kills");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_not_used() {
    let (expected, _) = uninterrupted();
    let began = || {
        let mut sink = Survivor { writes: 300, ..Survivor::default() };
        Memory::new().convert(&mut sink).unwrap_err();
        sink.writes = usize::MAX;
        sink
    };
    let resumed = |mut sink: Survivor, release: &Memory| {
        release.convert(&mut sink).unwrap();
        (sink.files == expected, sink.restarts.concat())
    };
    assert_eq!(resumed(began(), &Memory::new()), (true, String::new()));

    let mut sink = began();
    *sink.state.as_mut().unwrap().last_mut().unwrap() ^= 1;
    assert_eq!(resumed(sink, &Memory::new()), (true, "its checkpoint is damaged".into()));

    let mut sink = began();
    sink.files.values_mut().for_each(|file| file.truncate(100));
    assert_eq!(resumed(sink, &Memory::new()), (true, "cannot open ".to_owned() + &began().open + ": too short"));

    let mut sink = Survivor { writes: 300, ..Survivor::default() };
    Memory::new().convert_as(Scheme::Q8, &mut sink).unwrap_err();
    sink.writes = usize::MAX;
    let (same, reason) = resumed(sink, &Memory::new());
    assert!(same && reason.contains("in another scheme"), "{reason}");
}
