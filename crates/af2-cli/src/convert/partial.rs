//! Hidden folders of unfinished runs. A lock in each says whether its run is still there, on any system and whatever its process id was.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use af2_convert::StorageError;

use super::error::{ConvertError, storage};
use crate::terminal::note;

/// File that a run has locked in its folder; it also marks the folder as one of ours.
const LOCK: &str = ".af2-lock";
/// End of a folder's name.
const PARTIAL: &str = ".partial";

/// The folder of this run. It is removed when dropped.
#[derive(Debug)]
pub(super) struct Partial {
    dir: PathBuf,
    /// None once the folder is the target.
    lock: Option<File>,
}

impl Partial {
    /// Creates the folder for a target that is absent or empty: `.NAME.partial` beside it, or `.partial` in it. What a killed run left
    /// there is removed; what others left beside it is named.
    pub fn claim(target: &Path) -> Result<Self, ConvertError> {
        let dir = place(target)?;
        let folder = parent(&dir);
        fs::create_dir_all(folder).map_err(storage("create", folder))?;
        match fs::create_dir(&dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => created.map_err(storage("create", &dir))?,
        }
        if !dir.join(LOCK).exists() && !entries(&dir)?.is_empty() {
            return Err(ConvertError::Exists(dir));
        }
        let path = dir.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(storage("create", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ConvertError::InUse(target.into())),
            // Without locks of the file system two runs are not told apart, as with most programs.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(storage("lock", &path)(error).into()),
        }
        let partial = Self { dir, lock: Some(lock) };
        partial.clear()?;
        name_others(&partial.dir);
        Ok(partial)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Renames the folder to `target`.
    pub fn become_folder(mut self, target: &Path) -> Result<(), StorageError> {
        if cfg!(windows) {
            self.lock = None; // Windows renames no folder with an open file
        }
        fs::rename(&self.dir, target).map_err(storage("create", target))?;
        self.lock = None;
        let lock = target.join(LOCK);
        fs::remove_file(&lock).map_err(storage("remove", &lock))
    }

    /// Removes what a killed run left.
    fn clear(&self) -> Result<(), StorageError> {
        let left: Vec<PathBuf> = entries(&self.dir)?.into_iter().filter(|path| !path.ends_with(LOCK)).collect();
        if !left.is_empty() {
            note(format_args!("removing {}, {} of a run that was killed", self.dir.display(), megabytes(&self.dir)));
        }
        for path in left {
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(storage("remove", &path))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What cannot be removed is only litter, and the next run names it.
        if self.lock.take().is_some() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// The folder that holds a path.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where a target is written.
fn place(target: &Path) -> Result<PathBuf, ConvertError> {
    match fs::metadata(target) {
        Ok(found) if found.is_dir() => {
            let dir = target.join(PARTIAL);
            let free = entries(target)?.iter().all(|path| *path == dir);
            if free { Ok(dir) } else { Err(ConvertError::Exists(target.into())) }
        }
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(target).is_err() => {
            let name = target.file_name().ok_or_else(|| storage("create", target)(error))?;
            Ok(parent(target).join(format!(".{}{PARTIAL}", name.to_string_lossy())))
        }
        Ok(_) => Err(ConvertError::Exists(target.into())),
        Err(error) => Err(storage("open", target)(error).into()),
    }
}

/// Names the folders beside `own` that other runs left.
fn name_others(own: &Path) {
    let others = entries(parent(own)).unwrap_or_default();
    for path in others.iter().filter(|path| *path != own && is_left(path)) {
        note(format_args!("{} is left of a run that was killed, {}; remove it", path.display(), megabytes(path)));
    }
}

/// Whether a path is a folder of ours whose run is gone.
fn is_left(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(PARTIAL));
    named && File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let read = fs::read_dir(dir).and_then(|found| found.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>());
    read.map_err(storage("read", dir))
}

fn megabytes(dir: &Path) -> String {
    format!("{:.1} MB", bytes(dir) as f64 / 1e6)
}

/// Bytes of all files below a folder, as far as they can be listed.
fn bytes(dir: &Path) -> u64 {
    let size = |path: PathBuf| match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => bytes(&path),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries(dir).unwrap_or_default().into_iter().map(size).sum()
}
