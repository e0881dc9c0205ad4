//! A directory of files to read.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use af2_convert::{LocalFuture, Source, StorageError};

use super::error::storage;
use crate::open_file::open_regular;

/// A directory whose files, once opened, stay open.
pub(crate) struct Directory {
    path: PathBuf,
    files: RefCell<HashMap<String, File>>,
}

impl Directory {
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), files: RefCell::default() }
    }

    /// A directory that must exist, by its full path.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        Ok(Self::new(&path.canonicalize().map_err(storage("open", path))?))
    }

    /// The directory's own name.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn with_file<T>(
        &self,
        object: &str,
        action: &'static str,
        operation: impl FnOnce(&mut File) -> std::io::Result<T>,
    ) -> Result<T, StorageError> {
        let path = self.path.join(object);
        let mut files = self.files.borrow_mut();
        let file = match files.entry(object.to_owned()) {
            Entry::Occupied(opened) => opened.into_mut(),
            Entry::Vacant(place) => place.insert(open_regular(&path).map_err(storage("open", &path))?),
        };
        operation(file).map_err(storage(action, &path))
    }
}

impl Source for Directory {
    fn locate(&self, object: &str) -> String {
        self.path.join(object).display().to_string()
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { self.with_file(object, "read", |file| Ok(file.metadata()?.len())) })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        let read = move |file: &mut File| {
            let mut buffer = vec![0; (bytes.end - bytes.start) as usize];
            file.seek(SeekFrom::Start(bytes.start))?;
            file.read_exact(&mut buffer)?;
            Ok(buffer)
        };
        Box::pin(async move { self.with_file(object, "read", read) })
    }
}
