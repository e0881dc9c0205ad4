//! The release directory: `configs/inference.yaml`, `safe_ckpt/metadata.json` and its chunks.

use std::path::{Path, PathBuf};

use af2_core::release::{Catalog, InferenceSettings, Origin, chunk_names};

use super::error::ConvertError;
use super::files;
use super::source::{Source, add_file};
use super::tensor_file::TensorFile;

/// A release whose small files have been read.
#[derive(Debug)]
pub struct Release {
    /// The directory's name.
    pub name: String,
    /// `configs/inference.yaml`.
    pub settings: InferenceSettings,
    dir: PathBuf,
    chunks: Vec<String>,
}

impl Release {
    /// Reads the small files.
    pub fn open(dir: &Path) -> Result<Release, ConvertError> {
        let dir = dir.canonicalize().map_err(ConvertError::io("open", dir))?;
        let yaml = files::read(&dir.join("configs/inference.yaml"))?;
        let settings = InferenceSettings::parse(&String::from_utf8_lossy(&yaml))?;
        let chunks = chunk_names(&files::read(&dir.join("safe_ckpt/metadata.json"))?)?;
        let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Release { name, settings, dir, chunks })
    }

    /// The base language model's directory: `given`, or what the settings name inside of the release.
    pub fn lm_dir(&self, given: Option<&Path>) -> Result<PathBuf, ConvertError> {
        if let Some(given) = given {
            return Ok(given.into());
        }
        let named = self.settings.model_config.lang_encoder_path.as_deref().unwrap_or("lang_encoder");
        let path = self.dir.join(named);
        if path.is_dir() { Ok(path) } else { Err(ConvertError::NoLanguageModel(path)) }
    }

    /// Adds the tensors of all chunks.
    pub fn add(&self, catalog: &mut Catalog<Source>) -> Result<(), ConvertError> {
        for chunk in &self.chunks {
            let file = chunk.strip_suffix(".safetensors").unwrap_or(chunk);
            let path = self.dir.join("safe_ckpt").join(format!("{file}.safetensors"));
            add_file(catalog, Origin::Release, TensorFile::open(&path)?);
        }
        Ok(())
    }
}
