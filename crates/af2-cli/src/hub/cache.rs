//! The cache of the official client: what it has downloaded is read, not fetched.
//!
//! `models--ORG--NAME/refs/REVISION` holds a commit, `snapshots/COMMIT/PATH` are links to complete files in `blobs/`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use af2_convert::{LocalFuture, Source};
use af2_core::weights::verify::ShardHasher;
use af2_hub::{Client, HubSource, Remote, RemoteFile, RepositoryName, Target};
use anyhow::{Result, bail};

use super::environment::Environment;
use crate::convert::Directory;

/// Folders inside of folders that a snapshot may have.
const DEPTH: usize = 8;

/// A repository's files: those in the cache from there, the others from the hub.
pub(super) struct Files {
    pub hub: HubSource,
    snapshot: Option<Snapshot>,
}

struct Snapshot {
    folder: PathBuf,
    files: Directory,
    /// Whether an object is there in its full size, once it was asked.
    present: RefCell<BTreeMap<String, bool>>,
}

/// Opens a repository on the hub, or offline in the cache.
pub(super) async fn open(environment: &Environment, client: &Rc<Client>, target: &Target) -> Result<Rc<Remote>> {
    if !environment.offline {
        return Ok(Remote::open(Rc::clone(client), target).await?);
    }
    let Target::Repository { name, revision } = target else {
        bail!("HF_HUB_OFFLINE is set, and a folder of a server is not cached")
    };
    let cached = environment.cache.as_ref().and_then(|cache| {
        let folder = cache.join(name.cache_folder());
        let reference = fs::read_to_string(folder.join("refs").join(revision)).ok();
        let commit = reference.map_or_else(|| revision.clone(), |commit| commit.trim().to_owned());
        let snapshot = snapshot_folder(cache, name, &commit)?;
        let mut files = BTreeMap::new();
        walk(&snapshot, "", DEPTH, &mut files);
        Some(Remote::listed(Rc::clone(client), name.clone(), commit, files))
    });
    match cached {
        Some(remote) => Ok(remote),
        None => bail!("HF_HUB_OFFLINE is set, and {name}@{revision} is not in the cache"),
    }
}

impl Files {
    pub fn new(environment: &Environment, hub: HubSource) -> Self {
        let folder = hub.remote().repository().and_then(|(name, commit)| {
            let cache = environment.cache.as_ref()?;
            snapshot_folder(cache, name, commit)
        });
        let snapshot =
            folder.map(|folder| Snapshot { files: Directory::new(&folder), folder, present: RefCell::default() });
        Self { hub, snapshot }
    }

    /// The path of an object that the cache holds completely.
    pub async fn cached_path(&self, object: &str) -> Option<PathBuf> {
        let snapshot = self.snapshot.as_ref()?;
        let size = self.hub.remote().file(object).await.ok()?.size;
        snapshot.holds(object, size).then(|| snapshot.folder.join(object))
    }

    /// Compares a whole file with the hub's SHA-256; false where the hub lists none.
    pub async fn verify(&self, object: &str, progress: &mut dyn FnMut(u64)) -> Result<bool> {
        const CHUNK: u64 = 4 << 20;
        let file = self.hub.remote().file(object).await?;
        let Some(snapshot) = self.snapshot.as_ref().filter(|snapshot| snapshot.holds(object, file.size)) else {
            return Ok(self.hub.verify(object, progress).await?);
        };
        let Some(expected) = file.sha256 else { return Ok(false) };
        let mut hasher = ShardHasher::new();
        for start in (0..file.size).step_by(CHUNK as usize) {
            let end = (start + CHUNK).min(file.size);
            hasher.update(&snapshot.files.read(object, start..end).await?);
            progress(end - start);
        }
        let path = snapshot.folder.join(object);
        hasher.verify(&path.display().to_string(), file.size, &expected)?;
        Ok(true)
    }

    fn local(&self, object: &str) -> Option<&Directory> {
        let snapshot = self.snapshot.as_ref()?;
        snapshot.present.borrow().get(object).copied().unwrap_or(false).then_some(&snapshot.files)
    }
}

impl Snapshot {
    fn holds(&self, object: &str, size: u64) -> bool {
        let found = || fs::metadata(self.folder.join(object)).is_ok_and(|found| found.is_file() && found.len() == size);
        *self.present.borrow_mut().entry(object.into()).or_insert_with(found)
    }
}

impl Source for Files {
    fn locate(&self, object: &str) -> String {
        self.local(object).map_or_else(|| self.hub.locate(object), |files| files.locate(object))
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move {
            let size = self.hub.size(object).await?;
            if let Some(snapshot) = &self.snapshot {
                snapshot.holds(object, size);
            }
            Ok(size)
        })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        self.local(object)
            .map_or_else(|| self.hub.read(object, bytes.clone()), |files| files.read(object, bytes.clone()))
    }

    fn announce(&self, object: &str, bytes: Range<u64>) {
        if self.local(object).is_none() {
            self.hub.announce(object, bytes);
        }
    }

    fn identity(&self, object: &str) -> String {
        self.hub.identity(object)
    }
}

fn snapshot_folder(cache: &Path, name: &RepositoryName, commit: &str) -> Option<PathBuf> {
    let folder = cache.join(name.cache_folder()).join("snapshots").join(commit);
    folder.is_dir().then_some(folder)
}

/// The complete files below `folder`, by path.
fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, RemoteFile>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (Ok(metadata), Ok(name)) = (fs::metadata(entry.path()), entry.file_name().into_string()) else { continue };
        let path = format!("{prefix}{name}");
        if metadata.is_dir() && depth > 0 {
            walk(&entry.path(), &format!("{path}/"), depth - 1, files);
        } else if metadata.is_file() {
            files.insert(path, RemoteFile { size: metadata.len(), sha256: None });
        }
    }
}
