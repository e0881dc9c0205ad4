//! The directory a conversion writes to until it is complete.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ConvertError;

/// A hidden sibling of the target. It is removed when dropped unpublished; if the process is killed it stays, with a
/// name and without an index that would make it look like a model.
#[derive(Debug)]
pub struct Staging {
    target: PathBuf,
    dir: PathBuf,
}

impl Staging {
    /// Creates the directory; the target must be absent or empty.
    pub fn new(target: &Path) -> Result<Staging, ConvertError> {
        if target.exists() && !is_empty_dir(target)? {
            return Err(ConvertError::Exists(target.into()));
        }
        let name = target.file_name().map_or("model".into(), |name| name.to_string_lossy());
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = parent.join(format!(".{name}.partial-{}", std::process::id()));
        fs::create_dir_all(parent).map_err(ConvertError::io("create", parent))?;
        fs::create_dir(&dir).map_err(ConvertError::io("create", &dir))?;
        Ok(Staging { target: target.into(), dir })
    }

    /// Path of a file to write.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes the directory the target.
    pub fn publish(self) -> Result<(), ConvertError> {
        if self.target.exists() {
            fs::remove_dir(&self.target).map_err(ConvertError::io("replace", &self.target))?;
        }
        fs::rename(&self.dir, &self.target).map_err(ConvertError::io("create", &self.target))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After `publish` the directory is gone; before, whatever cannot be removed is only litter.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn is_empty_dir(path: &Path) -> Result<bool, ConvertError> {
    if !path.is_dir() {
        return Ok(false);
    }
    Ok(fs::read_dir(path).map_err(ConvertError::io("read", path))?.next().is_none())
}
