//! The folder in which a pull grows. It survives the process, and the next pull goes on in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use af2_convert::{LocalFuture, Sink, StorageError};
use anyhow::{Context, Result, bail};

use crate::convert::storage;
use crate::terminal::note;

/// How far a conversion has come.
const JOURNAL: &str = "pull.journal";
/// Locked as long as a process writes.
const LOCK: &str = "pull.lock";
/// What a folder that is not complete is called: behind the name of the model.
pub(super) const SUFFIX: &str = ".partial";
/// Bytes of a file that are read at a time.
const CHUNK: usize = 4 << 20;

/// `NAME.partial` beside the `NAME` that it will become.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    dir: PathBuf,
    /// Its lock ends with the process, however that ends.
    lock: Option<File>,
    /// The file being written.
    open: Option<(PathBuf, File)>,
}

/// Bytes free on the disk of a folder that need not exist yet.
///
/// # Errors
/// The disk cannot be examined.
pub(super) fn free_bytes(target: &Path) -> Result<u64> {
    let existing = target.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    fs4::available_space(existing).with_context(|| format!("cannot examine the disk of {}", existing.display()))
}

impl Staging {
    /// Opens or creates the folder for this process alone.
    ///
    /// # Errors
    /// Another process writes it, or the folder cannot be created.
    pub fn open(target: &Path) -> Result<Self> {
        let mut dir = target.as_os_str().to_owned();
        dir.push(SUFFIX);
        let dir = PathBuf::from(dir);
        let failed = || format!("cannot write {}", dir.display());
        fs::create_dir_all(&dir).with_context(failed)?;
        let options = OpenOptions::new().create(true).truncate(false).write(true).open(dir.join(LOCK));
        let lock = options.with_context(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { target: target.into(), dir, lock: Some(lock), open: None }),
            Err(TryLockError::WouldBlock) => bail!("another af2 is pulling into {}; wait for its end", dir.display()),
            Err(TryLockError::Error(error)) => Err(error).with_context(failed),
        }
    }

    /// Fails where the disk has no room for the rest of `bytes`, before anything is fetched.
    ///
    /// # Errors
    /// One line with the bytes that are missing.
    pub fn require_room(&self, bytes: u64) -> Result<()> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let held: u64 = entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum();
        let (needed, free) = (bytes.saturating_sub(held), free_bytes(&self.dir)?);
        if needed > free {
            bail!(
                "{needed} bytes are needed, but the disk of {} has {free} free; set AF2_HOME to a folder on another",
                self.dir.display()
            );
        }
        Ok(())
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the folder the target: all is on disk before the name is.
    ///
    /// # Errors
    /// The folder cannot be renamed.
    pub fn publish(mut self) -> Result<()> {
        (self.open, self.lock) = (None, None); // some systems do not move folders with open files
        let failed = || format!("cannot create {}", self.target.display());
        for name in [JOURNAL, LOCK] {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).with_context(failed),
                _ => {}
            }
        }
        sync_folder(&self.dir).with_context(failed)?;
        fs::rename(&self.dir, &self.target).with_context(failed)?;
        self.target.parent().map_or(Ok(()), sync_folder).with_context(failed)
    }

    /// Removes everything but the lock.
    fn clear(&mut self) -> Result<(), StorageError> {
        self.open = None;
        let remove = || -> io::Result<()> {
            let entries = fs::read_dir(&self.dir)?.collect::<io::Result<Vec<_>>>()?;
            entries.iter().filter(|entry| entry.file_name() != LOCK).try_for_each(|entry| fs::remove_file(entry.path()))
        };
        remove().map_err(storage("clear", &self.dir))
    }

    fn begin(&mut self, name: &str) -> Result<(), StorageError> {
        let path = self.dir.join(name);
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

    /// The journal is replaced by a rename: it is the old or the new one, whatever happens.
    fn store(&mut self, state: &[u8]) -> Result<(), StorageError> {
        if self.open.is_some() {
            self.with_file(|file| file.sync_data())?;
        }
        let (journal, next) = (self.dir.join(JOURNAL), self.dir.join("pull.journal.next"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&next)?;
            file.write_all(state)?;
            file.sync_data()?;
            fs::rename(&next, &journal)?;
            sync_folder(&self.dir)
        };
        write().map_err(storage("write", &journal))
    }

    /// Cuts a file to its first `bytes`, which `seen` is shown, and opens it to append.
    fn open_again(&mut self, name: &str, bytes: u64, seen: &mut dyn FnMut(&[u8])) -> Result<(), StorageError> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(storage("open", &path))?;
        let mut again = || -> io::Result<()> {
            if file.metadata()?.len() < bytes {
                return Err(io::Error::other("it is shorter than when it was written"));
            }
            file.set_len(bytes)?;
            let mut chunk = vec![0; CHUNK];
            let mut left = bytes;
            while left > 0 {
                let part = &mut chunk[..CHUNK.min(left as usize)];
                (&file).read_exact(part)?;
                seen(part);
                left -= part.len() as u64;
            }
            Ok(())
        };
        again().map_err(storage("read", &path))?;
        self.open = Some((path, file));
        Ok(())
    }
}

impl Sink for Staging {
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

    fn checkpoint<'a>(&'a mut self, state: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.store(state) })
    }

    /// Without a journal, files of an earlier pull are of no use.
    fn last_checkpoint(&mut self) -> LocalFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let path = self.dir.join(JOURNAL);
            match fs::read(&path) {
                Ok(state) => Ok(Some(state)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.clear().map(|()| None),
                Err(error) => Err(storage("read", &path)(error)),
            }
        })
    }

    fn reopen<'a>(&'a mut self, file: &'a str, bytes: u64, seen: &'a mut dyn FnMut(&[u8])) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.open_again(file, bytes, seen) })
    }

    fn restart<'a>(&'a mut self, reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            note(format_args!("{} cannot be resumed: {reason}; starting again", self.dir.display()));
            self.clear()
        })
    }
}

/// Makes the names in a folder durable. Only Unix can open folders.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_checkpoint_covers_survives_and_the_rest_is_cut() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("model");
        let mut first = Staging::open(&target).unwrap();
        assert!(Staging::open(&target).unwrap_err().to_string().contains("another af2 is pulling"));
        block_on(async {
            assert_eq!(first.last_checkpoint().await, Ok(None));
            first.create("a").await?;
            first.write(b"01234").await?;
            first.checkpoint(b"after five").await?;
            first.write(b"torn").await
        })
        .unwrap();
        drop(first);

        let mut second = Staging::open(&target).unwrap();
        let mut seen = Vec::new();
        block_on(async {
            assert_eq!(second.last_checkpoint().await?.as_deref(), Some(b"after five".as_slice()));
            assert!(second.reopen("a", 10, &mut |_| {}).await.unwrap_err().reason.contains("shorter"));
            second.reopen("a", 5, &mut |bytes| seen.extend_from_slice(bytes)).await?;
            second.write(b"56").await?;
            second.finish().await
        })
        .unwrap();
        assert_eq!(seen, b"01234");
        second.publish().unwrap();
        assert_eq!(names(home.path()), ["model"]);
        assert_eq!(names(&target), ["a"]);
        assert_eq!(fs::read(target.join("a")).unwrap(), b"0123456");
    }

    #[test]
    fn a_new_beginning_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let mut staging = Staging::open(&home.path().join("model")).unwrap();
        block_on(async {
            staging.create("a").await?;
            staging.checkpoint(b"of something else").await?;
            staging.restart("it is of something else").await
        })
        .unwrap();
        assert_eq!(names(staging.dir()), [LOCK]);
        let message = staging.require_room(u64::MAX).unwrap_err().to_string();
        assert!(message.contains("bytes are needed") && message.contains("AF2_HOME"), "{message}");
    }
}
