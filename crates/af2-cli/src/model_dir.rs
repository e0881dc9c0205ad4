//! A converted model's directory: its small files and shard headers, checked against each other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use af2_core::config::{CONFIG_FILE, ConfigError, ModelConfig};
use af2_core::weights::index::{INDEX_FILE, IndexError, ModelIndex, Shard};
use af2_core::weights::manifest::{TensorUse, manifest};
use af2_core::weights::safetensors::{Header, HeaderError, PREFIX_BYTES, header_bytes};
use af2_core::weights::stored::{StoredError, StoredTensor};
use af2_core::weights::verify::{ShardHasher, VerifyError};
use thiserror::Error;

/// Largest small file read.
const LIMIT: u64 = 256 << 20;

/// Bytes hashed at a time.
const PIECE: usize = 1 << 20;

/// An opened model.
#[derive(Debug)]
pub struct ModelDir {
    /// `config.json`.
    pub config: ModelConfig,
    /// `model.safetensors.index.json`.
    pub index: ModelIndex,
    /// Every tensor of the model and where it lies.
    pub tensors: Vec<(TensorUse, StoredTensor)>,
    dir: PathBuf,
}

/// Why a directory is no usable model.
#[derive(Debug, Error)]
pub enum ModelDirError {
    /// A file of the model is absent.
    #[error("{} has no {file}: it is no converted model, or an incomplete one; make one with `af2 convert`", dir.display())]
    NoFile {
        /// The directory.
        dir: PathBuf,
        /// The file.
        file: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// The configuration is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The index is unusable.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A shard's header is unusable.
    #[error("shard `{shard}`: {error}")]
    Header {
        /// File name.
        shard: String,
        /// What is wrong.
        error: HeaderError,
    },
    /// A shard is not the one that was written.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A tensor is not where or what it should be.
    #[error(transparent)]
    Tensor(#[from] StoredError),
}

impl ModelDir {
    /// Opens a model: reads everything but the weights, and checks sizes, headers, names and shapes.
    ///
    /// # Errors
    /// [`ModelDirError`], which names the file, shard or tensor at fault.
    pub fn open(dir: &Path) -> Result<ModelDir, ModelDirError> {
        let config = ModelConfig::parse(&small_file(dir, CONFIG_FILE)?)?;
        let index = ModelIndex::parse(&small_file(dir, INDEX_FILE)?)?;
        let headers: BTreeMap<&str, Header> = index
            .shards
            .iter()
            .map(|(name, shard)| Ok((name.as_str(), header(dir, name, shard)?)))
            .collect::<Result<_, ModelDirError>>()?;
        let locate = |tensor: TensorUse| {
            let stored = StoredTensor::locate(&tensor, &index, |shard| headers.get(shard))?;
            Ok((tensor, stored))
        };
        let tensors = manifest(&config).into_iter().map(locate).collect::<Result<_, StoredError>>()?;
        drop(headers);
        Ok(ModelDir { config, index, tensors, dir: dir.into() })
    }

    /// Reads all shards and compares their digests with the index.
    ///
    /// # Errors
    /// [`ModelDirError::Verify`] names the first shard that differs.
    pub fn verify(&self) -> Result<(), ModelDirError> {
        self.index.shards.iter().try_for_each(|(name, shard)| self.verify_shard(name, shard))
    }

    fn verify_shard(&self, name: &str, shard: &Shard) -> Result<(), ModelDirError> {
        let path = self.dir.join(name);
        let unreadable = |error| ModelDirError::Io { path: path.clone(), error };
        let mut file = open(&self.dir, name)?;
        let (mut hasher, mut piece) = (ShardHasher::new(), vec![0; PIECE]);
        loop {
            match file.read(&mut piece).map_err(unreadable)? {
                0 => return Ok(hasher.verify(name, shard.bytes, &shard.sha256)?),
                count => hasher.update(&piece[..count]),
            }
        }
    }
}

fn open(dir: &Path, name: &str) -> Result<File, ModelDirError> {
    File::open(dir.join(name)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ModelDirError::NoFile { dir: dir.into(), file: name.into() },
        _ => ModelDirError::Io { path: dir.join(name), error },
    })
}

fn small_file(dir: &Path, name: &str) -> Result<Vec<u8>, ModelDirError> {
    let mut bytes = Vec::new();
    let read = open(dir, name)?.take(LIMIT).read_to_end(&mut bytes);
    read.map_err(|error| ModelDirError::Io { path: dir.join(name), error })?;
    Ok(bytes)
}

/// The header of a shard whose size is the one the index announces.
fn header(dir: &Path, name: &str, shard: &Shard) -> Result<Header, ModelDirError> {
    let unreadable = |error| ModelDirError::Io { path: dir.join(name), error };
    let fault = |error| ModelDirError::Header { shard: name.into(), error };
    let mut file = open(dir, name)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size != shard.bytes {
        let (shard, expected, found) = (name.to_owned(), shard.bytes, size);
        return Err(VerifyError::Size { shard, expected, found }.into());
    }
    let mut prefix = [0; PREFIX_BYTES as usize];
    if size < PREFIX_BYTES {
        return Err(fault(HeaderError::Truncated { header: 0, file: size }));
    }
    file.read_exact(&mut prefix).map_err(unreadable)?;
    let mut json = vec![0; header_bytes(prefix, size).map_err(fault)?];
    file.read_exact(&mut json).map_err(unreadable)?;
    Header::parse(&json, size).map_err(fault)
}
