//! The directory that a conversion writes to until it is complete.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use af2_convert::{LocalFuture, Sink, StorageError};

use super::error::{ConvertError, storage};
use super::partial::{Partial, parent};

/// A hidden folder that becomes the target when it is published: beside an absent target, or in an empty one, which may be the current
/// directory, a link or a mount. It is removed when dropped unpublished. What a killed run leaves, the next one removes or names.
#[derive(Debug)]
pub(super) struct Output {
    target: PathBuf,
    /// The file being written; dropped before its folder is removed, which some systems ask for.
    open: Option<(PathBuf, File)>,
    partial: Partial,
    /// What the target will hold, in the order in which it was begun.
    names: Vec<PathBuf>,
    /// Every folder with new entries.
    folders: BTreeSet<PathBuf>,
}

impl Output {
    /// Creates the folder; the target must be absent or empty.
    pub fn new(target: &Path) -> Result<Self, ConvertError> {
        let partial = Partial::claim(target)?;
        let folders = BTreeSet::from([partial.dir().to_owned()]);
        Ok(Self { target: target.into(), partial, open: None, names: Vec::new(), folders })
    }

    /// Makes the folder the target. Everything is on disk before its name is; in an existing target the file begun last, a model's
    /// index, appears last.
    pub fn publish(self) -> Result<(), StorageError> {
        let dir = self.partial.dir();
        self.folders.iter().try_for_each(|folder| sync_folder(folder))?;
        if !self.target.is_dir() {
            return self.partial.become_folder(&self.target).and_then(|()| sync_folder(parent(&self.target)));
        }
        for name in &self.names {
            let to = self.target.join(name);
            fs::rename(dir.join(name), &to).map_err(storage("create", &to))?;
        }
        sync_folder(&self.target)
    }

    fn begin(&mut self, name: &str) -> Result<(), StorageError> {
        let path = self.partial.dir().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(storage("create", folder))?;
            self.folders.insert(folder.into());
        }
        let file = File::create(&path).map_err(storage("create", &path))?;
        self.open = Some((path, file));
        let top = PathBuf::from_iter(Path::new(name).components().take(1));
        if !self.names.contains(&top) {
            self.names.push(top);
        }
        Ok(())
    }

    fn with_file(&mut self, operation: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), StorageError> {
        match &mut self.open {
            Some((path, file)) => operation(file).map_err(storage("write", path)),
            None => Err(storage("write", self.partial.dir())(io::Error::other("no file is open"))),
        }
    }
}

impl Sink for Output {
    fn create<'a>(&'a mut self, file: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.begin(file) })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.with_file(|file| file.write_all(bytes)) })
    }

    fn finish(&mut self) -> LocalFuture<'_, ()> {
        Box::pin(async move {
            self.with_file(|file| file.sync_all())?;
            self.open = None;
            Ok(())
        })
    }
}

/// Puts the names in a folder on disk. Only Unix opens folders.
fn sync_folder(folder: &Path) -> Result<(), StorageError> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // File systems of networks and virtual machines know no such thing.
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(storage("write", folder)(error))
        }
        _ => Ok(()),
    }
}
