//! Audio files by the names that a user gives, and how an index names them.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

/// How names of audio files end. Of a folder only these are taken; a file that is named itself is always read.
const EXTENSIONS: [&str; 27] = [
    "3gp", "aac", "aif", "aifc", "aiff", "au", "caf", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp1", "mp2",
    "mp3", "mp4", "oga", "ogg", "opus", "rf64", "snd", "w64", "wav", "wave", "webm",
];

/// The files among `paths`, and the audio files in the folders among them, in order of their names. Links to folders are not followed.
///
/// # Errors
/// A path leads nowhere, or a folder cannot be read.
pub fn audio_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let shown = || format!("cannot read {}", path.display());
        if fs::metadata(path).with_context(shown)?.is_dir() {
            walk(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|path| seen.insert(path.clone()));
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let shown = || format!("cannot read the folder {}", folder.display());
    let mut entries =
        fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>()).with_context(shown)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_audio = || {
            let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
            extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
        };
        if entry.file_type().with_context(shown)?.is_dir() {
            walk(&path, files)?;
        } else if is_audio() && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The name of an audio file in the index at `index`: relative to the index's folder if it lies there, so that both can be moved together,
/// else absolute. With forward slashes everywhere.
///
/// # Errors
/// The path leads nowhere, or is not UTF-8.
pub fn stored_name(index: &Path, path: &Path) -> Result<String> {
    let shown = || format!("cannot read {}", path.display());
    let absolute = path.canonicalize().with_context(shown)?;
    let folder = index_folder(index).canonicalize().with_context(|| format!("cannot read {}", index.display()))?;
    let name = absolute.strip_prefix(&folder).unwrap_or(&absolute);
    let name = name.to_str().with_context(|| format!("the name of {} is not UTF-8; rename it", path.display()))?;
    Ok(if cfg!(windows) { name.replace('\\', "/") } else { name.into() })
}

/// Where a file of the index at `index` is.
pub fn resolved(index: &Path, name: &str) -> PathBuf {
    let joined = index_folder(index).join(name);
    joined.components().filter(|part| *part != Component::CurDir).collect()
}

fn index_folder(index: &Path) -> &Path {
    index.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_names_follow_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("sounds/inner")).unwrap();
        for name in ["sounds/b.WAV", "sounds/a.mp3", "sounds/notes.txt", "sounds/inner/c.flac", "odd.bin"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let found = audio_files(&[root.join("sounds"), root.join("odd.bin"), root.join("sounds/a.mp3")]).unwrap();
        let index = root.join("sounds.af2index");
        let names: Vec<String> = found.iter().map(|path| stored_name(&index, path).unwrap()).collect();
        assert_eq!(names, ["sounds/a.mp3", "sounds/b.WAV", "sounds/inner/c.flac", "odd.bin"]);
        assert!(names.iter().zip(&found).all(|(name, path)| resolved(&index, name) == *path));
        let outside = stored_name(&root.join("sounds/inner/i"), &root.join("odd.bin")).unwrap();
        assert_eq!(resolved(&root.join("elsewhere/i"), &outside), root.join("odd.bin"));
        assert_eq!(resolved(Path::new("i"), "a.wav"), Path::new("a.wav"));
        assert!(audio_files(&[root.join("absent")]).unwrap_err().to_string().contains("absent"));
    }
}
