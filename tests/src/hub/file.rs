//! The files of a commit: on disk, in memory, or made where they are read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use af2_convert::synth::SyntheticRelease;
use af2_core::weights::verify::ShardHasher;

/// From this size on a file is large whatever its name, in bytes.
const LARGE: u64 = 10 << 20;
/// Names of files that git-lfs holds whatever their size.
const WEIGHTS: [&str; 4] = [".safetensors", ".bin", ".pt", ".pth"];
/// Bytes hashed at a time.
const CHUNK: u64 = 4 << 20;
/// Generated files beyond this size have a stand-in for a digest: to hash one would be to make it.
const HASHED: u64 = 1 << 30;

/// Files by path, with forward slashes.
#[derive(Clone, Default)]
pub struct Files(pub(super) BTreeMap<String, Arc<File>>);

/// One file.
pub struct File {
    contents: Contents,
    size: u64,
    digest: OnceLock<String>,
}

enum Contents {
    Disk(PathBuf),
    Memory(Vec<u8>),
    Generated(Arc<SyntheticRelease>, String),
}

impl Files {
    /// Adds or replaces a file.
    pub fn insert(&mut self, path: &str, bytes: Vec<u8>) {
        self.add(path.into(), bytes.len() as u64, Contents::Memory(bytes));
    }

    /// Whether there is a file of this path.
    pub fn contains(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Removes a file.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(path);
    }

    fn add(&mut self, path: String, size: u64, contents: Contents) {
        self.0.insert(path, Arc::new(File { contents, size, digest: OnceLock::new() }));
    }

    fn walk(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.walk(root, &path);
                continue;
            }
            let parts = path.strip_prefix(root).unwrap().components().map(|part| part.as_os_str().to_string_lossy());
            let name = parts.collect::<Vec<_>>().join("/");
            self.add(name, fs::metadata(&path).unwrap().len(), Contents::Disk(path));
        }
    }
}

impl From<&Path> for Files {
    fn from(folder: &Path) -> Self {
        let mut files = Self::default();
        files.walk(folder, folder);
        files
    }
}

impl From<SyntheticRelease> for Files {
    fn from(release: SyntheticRelease) -> Self {
        let release = Arc::new(release);
        let mut files = Self::default();
        for (name, size) in release.files() {
            files.add(name.into(), size, Contents::Generated(release.clone(), name.into()));
        }
        files
    }
}

impl File {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether git-lfs holds it, so that it comes from the second origin.
    pub fn is_large(&self, path: &str) -> bool {
        self.size > LARGE || WEIGHTS.iter().any(|suffix| path.ends_with(suffix))
    }

    /// A range of the bytes, which must lie in the file.
    pub fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        match &self.contents {
            Contents::Disk(path) => {
                let mut file = fs::File::open(path)?;
                let mut bytes = vec![0; (range.end - range.start) as usize];
                file.seek(SeekFrom::Start(range.start))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
            Contents::Memory(bytes) => Ok(bytes[range.start as usize..range.end as usize].to_vec()),
            Contents::Generated(release, name) => release.bytes(name, range).ok_or(io::ErrorKind::NotFound.into()),
        }
    }

    /// SHA-256 of the file in hexadecimal; of the name alone for a generated file of more than 1 GiB.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let mut hasher = ShardHasher::new();
            match &self.contents {
                Contents::Generated(_, name) if self.size > HASHED => hasher.update(name.as_bytes()),
                _ => (0..self.size).step_by(CHUNK as usize).for_each(|begin| {
                    hasher.update(&self.read(begin..(begin + CHUNK).min(self.size)).unwrap());
                }),
            }
            hasher.finish().1
        })
    }

    /// What git holds in place of a large file.
    pub fn pointer(&self) -> Vec<u8> {
        let Self { size, .. } = self;
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {size}\n", self.digest()).into_bytes()
    }
}
