//! The directory that a conversion writes to until it is complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use af2_convert::{LocalFuture, Sink, StorageError};

use super::error::{ConvertError, storage};

/// A hidden sibling of the target. It is removed when dropped unpublished; if the process is killed it stays, with a
/// name and without an index that would make it look like a model.
#[derive(Debug)]
pub(super) struct Output {
    target: PathBuf,
    dir: PathBuf,
    /// The file being written.
    open: Option<(PathBuf, File)>,
}

impl Output {
    /// Creates the directory; the target must be absent or empty.
    pub fn new(target: &Path) -> Result<Self, ConvertError> {
        if target.exists() && !is_empty_dir(target)? {
            return Err(ConvertError::Exists(target.into()));
        }
        let name = target.file_name().map_or("model".into(), |name| name.to_string_lossy());
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = parent.join(format!(".{name}.partial-{}", std::process::id()));
        fs::create_dir_all(parent).map_err(storage("create", parent))?;
        fs::create_dir(&dir).map_err(storage("create", &dir))?;
        Ok(Self { target: target.into(), dir, open: None })
    }

    /// Makes the directory the target.
    pub fn publish(self) -> Result<(), StorageError> {
        if self.target.exists() {
            fs::remove_dir(&self.target).map_err(storage("replace", &self.target))?;
        }
        fs::rename(&self.dir, &self.target).map_err(storage("create", &self.target))
    }

    fn begin(&mut self, name: &str) -> Result<(), StorageError> {
        let path = self.dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(storage("create", folder))?;
        }
        let file = File::create(&path).map_err(storage("create", &path))?;
        self.open = Some((path, file));
        Ok(())
    }

    fn with_file(&mut self, operation: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), StorageError> {
        match &mut self.open {
            Some((path, file)) => operation(file).map_err(storage("write", path)),
            None => Err(storage("write", &self.dir)(io::Error::other("no file is open"))),
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

impl Drop for Output {
    fn drop(&mut self) {
        self.open = None; // some systems do not remove open files
        // After `publish` the directory is gone; before, whatever cannot be removed is only litter.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn is_empty_dir(path: &Path) -> Result<bool, StorageError> {
    if !path.is_dir() {
        return Ok(false);
    }
    Ok(fs::read_dir(path).map_err(storage("read", path))?.next().is_none())
}
