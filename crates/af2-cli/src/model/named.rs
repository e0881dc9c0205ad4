//! Models by name: those that `af2 pull` has put into the user's data folder.

use std::env;
use std::path::{Path, PathBuf};

use af2_core::weights::Scheme;
use af2_hub::{Address, Target, releases};
use anyhow::{Context, Result};

/// Schemes in the order in which a name without one finds them.
const SCHEMES: [Scheme; 4] = [Scheme::Q4, Scheme::Q8, Scheme::F16, Scheme::F32];

/// The folder of pulled models: `AF2_HOME/models`, by default in the system's place for data of applications.
///
/// # Errors
/// The system has no such place.
pub fn models_folder() -> Result<PathBuf> {
    let chosen = env::var_os("AF2_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = chosen.or_else(|| Some(dirs::data_local_dir()?.join("af2")));
    Ok(home.context("this system has no folder for data; set AF2_HOME to one")?.join("models"))
}

/// The folder of a model: `path` itself if it exists, or the pulled model of that name.
pub(super) fn located(path: &Path) -> PathBuf {
    if path.exists() {
        return path.into();
    }
    let found = path.to_str().zip(models_folder().ok()).and_then(|(name, folder)| find(&folder, name));
    found.unwrap_or_else(|| path.into())
}

/// Whether `path` can only mean a model that was not pulled yet.
pub(super) fn is_name(path: &Path) -> bool {
    path.to_str().is_some_and(|name| releases::by_alias(name).is_some() || name.starts_with("hf:"))
}

/// `3b-q8` is found as it is, `3b` and `nvidia/audio-flamingo-2` in the first scheme that is there.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let whole = |folder: PathBuf| folder.is_dir().then_some(folder);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if !name.is_empty()
        && !name.starts_with('.')
        && name.chars().all(plain)
        && let Some(found) = whole(folder.join(name))
    {
        return Some(found);
    }
    let address =
        Address::parse(name, "").ok().filter(|address| matches!(address.target, Target::Repository { .. }))?;
    let name = address.folder_name();
    let named = SCHEMES.iter().map(|scheme| format!("{name}-{scheme}")).chain([name.clone()]);
    named.into_iter().find_map(|name| whole(folder.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_folders() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["3b-q8", "3b-f16", "me--model", "0.5b-q4.partial"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found =
            |name: &str| find(folder.path(), name).map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
        for (name, expected) in [
            ("3b", Some("3b-q8")),
            ("3B", Some("3b-q8")),
            ("3b-f16", Some("3b-f16")),
            ("nvidia/audio-flamingo-2", Some("3b-q8")),
            ("hf:me/model", Some("me--model")),
            ("0.5b", None),
            ("../3b-q8", None),
            ("", None),
        ] {
            assert_eq!(found(name).as_deref(), expected, "{name}");
        }
    }
}
