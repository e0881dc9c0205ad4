//! What both origins know: repositories, signed addresses, faults, the log.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};

use super::fault::Faults;
use super::file::{File, Files};
use super::lock;
use super::log::Log;
use super::repository::Repository;

/// Everything that both origins know.
pub(super) struct Shared {
    pub endpoint: String,
    pub storage: String,
    pub repositories: Mutex<BTreeMap<String, Repository>>,
    /// Files that signed addresses were given for, by their path at the storage.
    pub signed: Mutex<HashMap<String, Arc<File>>>,
    pub faults: Faults,
    pub log: Log,
    pub lifetime_ms: AtomicU64,
    pub page_size: AtomicUsize,
}

impl Shared {
    pub fn new(endpoint: String, storage: String) -> Self {
        Self {
            endpoint,
            storage,
            repositories: Mutex::default(),
            signed: Mutex::default(),
            faults: Faults::default(),
            log: Log::default(),
            lifetime_ms: AtomicU64::new(3_600_000),
            page_size: AtomicUsize::new(3),
        }
    }

    pub fn push(&self, name: &str, files: Files) -> String {
        lock(&self.repositories).entry(name.into()).or_default().push(name, files)
    }

    pub fn push_folder(&self, folder: &Path) {
        let folders = |path: &Path| {
            let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
        };
        for repository in folders(folder).iter().flat_map(|organisation| folders(organisation)) {
            let name = repository.strip_prefix(folder).unwrap().to_string_lossy().replace('\\', "/");
            self.push(&name, Files::from(repository.as_path()));
        }
    }

    pub fn forget(&self, name: &str) {
        lock(&self.repositories).get_mut(name).expect("a repository of the hub").forget();
    }

    pub fn gate(&self, name: &str, token: &str) {
        lock(&self.repositories).get_mut(name).expect("a repository of the hub").gate = Some(token.into());
    }
}
