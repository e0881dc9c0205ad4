//! The files of a converted model, read from its directory.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use af2_core::config::{CONFIG_FILE, ModelConfig};
use af2_core::weights::index::{INDEX_FILE, ModelIndex, SMALL_FILES, SelfTest, Shard};
use af2_core::weights::verify::VerifyError;

use super::{ModelDirError, named};
use crate::open_file::{open_regular, read_regular};

/// Most bytes of a file that is read whole.
const SMALL_FILE: u64 = 256 << 20;
const TOKENIZER: &str = "tokenizer.json";
/// Bytes of a shard that are read at a time.
const CHUNK: usize = 4 << 20;

/// The small files of a model as bytes, and access to its shards.
#[derive(Debug)]
pub struct ModelFiles {
    dir: PathBuf,
    /// `config.json`.
    pub config: Vec<u8>,
    /// `model.safetensors.index.json`.
    pub index: Vec<u8>,
    /// `tokenizer.json`.
    pub tokenizer: Vec<u8>,
}

impl ModelFiles {
    /// Reads the small files of a folder, or of the pulled model of that name; no shard is touched.
    ///
    /// # Errors
    /// A file is absent, too large or cannot be read.
    pub fn open(dir: &Path) -> Result<Self, ModelDirError> {
        let dir = &named::located(dir);
        let small = |name| small_file(dir, name);
        let (config, index, tokenizer) = (small(CONFIG_FILE)?, small(INDEX_FILE)?, small(TOKENIZER)?);
        Ok(Self { dir: dir.into(), config, index, tokenizer })
    }

    /// Compares every small file that the index lists with it, those that no engine reads too.
    ///
    /// # Errors
    /// The index is unusable, or a file is absent or not the one that it lists.
    pub fn verify_small(&self) -> Result<(), ModelDirError> {
        let index = ModelIndex::parse(&self.index)?;
        for name in SMALL_FILES.into_iter().filter(|name| index.files.contains_key(*name)) {
            match name {
                CONFIG_FILE => index.verify_file(name, &self.config)?,
                TOKENIZER => index.verify_file(name, &self.tokenizer)?,
                _ => index.verify_file(name, &small_file(&self.dir, name)?)?,
            }
        }
        Ok(())
    }

    /// A notice about the small files of a directory that its index does not list.
    ///
    /// # Errors
    /// The index is absent or unusable.
    pub fn notice(dir: &Path) -> Result<Option<String>, ModelDirError> {
        Ok(ModelIndex::parse(&small_file(&named::located(dir), INDEX_FILE)?)?.notice())
    }

    /// Lists the small files as they are now in the index, so that an edited one is accepted. The shards' entries stay.
    ///
    /// # Errors
    /// A file is absent or unusable, or the directory cannot be written.
    pub fn update_hashes(dir: &Path) -> Result<(), ModelDirError> {
        let dir = &named::located(dir);
        let mut index = ModelIndex::parse(&small_file(dir, INDEX_FILE)?)?;
        ModelConfig::parse(&small_file(dir, CONFIG_FILE)?)?;
        for name in SMALL_FILES {
            index.files.insert(name.into(), Shard::of(&small_file(dir, name)?));
        }
        replace_index(dir, &index)
    }

    /// Writes to the index what the model must answer on every machine.
    ///
    /// # Errors
    /// As [`ModelFiles::update_hashes`].
    pub fn record_self_test(dir: &Path, self_test: SelfTest) -> Result<(), ModelDirError> {
        let dir = &named::located(dir);
        let mut index = ModelIndex::parse(&small_file(dir, INDEX_FILE)?)?;
        index.metadata.self_test = Some(self_test);
        replace_index(dir, &index)
    }

    /// What the index of a model says that it must answer on every machine.
    ///
    /// # Errors
    /// The index is absent or unusable.
    pub fn self_test(dir: &Path) -> Result<Option<SelfTest>, ModelDirError> {
        Ok(ModelIndex::parse(&small_file(&named::located(dir), INDEX_FILE)?)?.metadata.self_test)
    }

    /// Opens a shard, which must have the size that the index announces.
    ///
    /// # Errors
    /// The shard is absent or has another size.
    pub fn open_shard(&self, name: &str, expected: u64) -> Result<File, ModelDirError> {
        let opened = open_regular(&self.dir.join(name)).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (found, file) = opened.map_err(|error| self.failure(name, error))?;
        if found != expected {
            return Err(VerifyError::Size { shard: name.into(), expected, found }.into());
        }
        Ok(file)
    }

    /// Reads a shard from begin to end and hands it to `push` in chunks.
    ///
    /// # Errors
    /// As [`ModelFiles::open_shard`], the shard cannot be read, or what `push` returns.
    pub fn stream_shard<E: From<ModelDirError>>(
        &self,
        name: &str,
        bytes: u64,
        mut push: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = self.open_shard(name, bytes)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).map_err(|error| self.failure(name, error))? {
                0 => return Ok(()),
                count => push(&chunk[..count])?,
            }
        }
    }

    /// The error of a file of this model.
    pub(super) fn failure(&self, name: &str, error: io::Error) -> ModelDirError {
        failure(&self.dir, name, error)
    }
}

/// Writes an index under another name first: an interruption leaves the former one.
fn replace_index(dir: &Path, index: &ModelIndex) -> Result<(), ModelDirError> {
    let json = index.to_json()?;
    let partial = format!(".{INDEX_FILE}.partial");
    let written = File::create(dir.join(&partial)).and_then(|mut file| {
        file.write_all(json.as_bytes())?;
        file.sync_all()
    });
    let replaced = written.and_then(|()| fs::rename(dir.join(&partial), dir.join(INDEX_FILE)));
    replaced.map_err(|error| ModelDirError::Write { path: dir.join(INDEX_FILE), error })
}

fn small_file(dir: &Path, name: &str) -> Result<Vec<u8>, ModelDirError> {
    read_regular(&dir.join(name), SMALL_FILE).map_err(|error| failure(dir, name, error))
}

fn failure(dir: &Path, name: &str, error: io::Error) -> ModelDirError {
    match error.kind() {
        io::ErrorKind::NotFound if !dir.exists() && named::is_name(dir) => ModelDirError::NotPulled(dir.into()),
        io::ErrorKind::NotFound => ModelDirError::NoFile { dir: dir.into(), file: name.into() },
        _ => ModelDirError::Io { path: dir.join(name), error },
    }
}
