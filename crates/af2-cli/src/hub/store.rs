//! The models in the user's data folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::staging::SUFFIX;
use crate::model::{ModelDir, models_folder};

/// Where a pulled model comes from.
///
/// It is stored beside the model's folder, `NAME.origin.json`: the folder itself is, byte for byte, what a conversion writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// `ORG/NAME@COMMIT`, or an address.
    pub source: String,
    /// The base language model, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Addresses of the licences that were accepted.
    #[serde(default)]
    pub licences: Vec<String>,
}

impl Origin {
    fn path(folder: &Path) -> PathBuf {
        let mut path = folder.as_os_str().to_owned();
        path.push(".origin.json");
        path.into()
    }

    /// Of a model's folder; empty where nothing is known.
    fn of(folder: &Path) -> Self {
        fs::read(Self::path(folder)).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Stores where the model of a folder comes from.
    pub fn store(&self, folder: &Path) -> Result<()> {
        let path = Self::path(folder);
        fs::write(&path, serde_json::to_vec_pretty(self)?).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A model of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Its name for `af2 ask`.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// Whether it can be used; otherwise pulling it again goes on.
    pub complete: bool,
    /// Where it comes from; empty where that is unknown.
    pub source: String,
}

/// All models, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn list() -> Result<Vec<Stored>> {
    let folder = models_folder()?;
    let failed = || format!("cannot read {}", folder.display());
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut models = Vec::new();
    for entry in fs::read_dir(&folder).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
        if !path.is_dir() {
            continue;
        }
        let files = fs::read_dir(&path).into_iter().flatten().flatten();
        let bytes = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
        let partial = name.strip_suffix(SUFFIX);
        let complete = partial.is_none() && ModelDir::open(&path).is_ok();
        let name = partial.unwrap_or(&name).to_owned();
        let source = Origin::of(&path).source;
        models.push(Stored { name, path, bytes, complete, source });
    }
    models.sort_by(|a, b| (&a.name, !a.complete).cmp(&(&b.name, !b.complete)));
    Ok(models)
}

/// Removes all folders of a name, complete or not. Returns the bytes freed.
///
/// # Errors
/// There is none, or it cannot be removed.
pub fn remove(name: &str) -> Result<u64> {
    let found: Vec<Stored> = list()?.into_iter().filter(|model| model.name == name).collect();
    if found.is_empty() {
        bail!("there is no model `{name}`; `af2 models` lists them");
    }
    for model in &found {
        fs::remove_dir_all(&model.path).with_context(|| format!("cannot remove {}", model.path.display()))?;
        let _ = fs::remove_file(Origin::path(&model.path)); // only a note; there may be none
    }
    Ok(found.iter().map(|model| model.bytes).sum())
}
