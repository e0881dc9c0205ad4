//! A conversion without a file system, as in a browser: bytes from memory, files to memory, packed in place.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
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
        Memory { objects, longest: usize::MAX }
    }

    fn object(&self, action: &'static str, name: &str) -> Result<&Vec<u8>, StorageError> {
        let absent = || StorageError { action, location: name.into(), reason: "no such object".into(), absent: true };
        self.objects.get(name).ok_or_else(absent)
    }

    fn convert(&self, sink: &mut Files) -> Result<Report, String> {
        let inputs = Inputs { name: "toy", release: self, language_model: None, clap: None };
        let options = Options { scheme: Scheme::Q4, shard_bytes: 1 << 20 };
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
            let bytes = &self.object("read", object)?[bytes.start as usize..bytes.end as usize];
            Ok(bytes[..bytes.len().min(self.longest)].to_vec())
        })
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
