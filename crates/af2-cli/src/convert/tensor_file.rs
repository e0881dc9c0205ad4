//! A safetensors file read in pieces.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use af2_core::weights::safetensors::{Header, PREFIX_BYTES, header_bytes};

use super::error::ConvertError;

/// An open safetensors file with its verified header.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: Mutex<File>,
    header: Header,
}

impl TensorFile {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<TensorFile, ConvertError> {
        let mut file = File::open(path).map_err(ConvertError::io("open", path))?;
        let header = read_header(&mut file, path)?;
        Ok(TensorFile { path: path.into(), file: Mutex::new(file), header })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// `bytes` bytes from `begin`, counted from the start of the file. Threads take turns.
    pub fn read(&self, begin: u64, bytes: usize) -> Result<Vec<u8>, ConvertError> {
        let mut buffer = vec![0; bytes];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(begin)).map_err(ConvertError::io("read", &self.path))?;
        file.read_exact(&mut buffer).map_err(ConvertError::io("read", &self.path))?;
        Ok(buffer)
    }
}

fn read_header(file: &mut File, path: &Path) -> Result<Header, ConvertError> {
    let fault = |error| ConvertError::Header { path: path.into(), error };
    let size = file.metadata().map_err(ConvertError::io("read", path))?.len();
    let mut prefix = [0; PREFIX_BYTES as usize];
    if size < PREFIX_BYTES {
        return Err(fault(af2_core::weights::safetensors::HeaderError::Truncated { header: 0, file: size }));
    }
    file.read_exact(&mut prefix).map_err(ConvertError::io("read", path))?;
    let mut json = vec![0; header_bytes(prefix, size).map_err(fault)?];
    file.read_exact(&mut json).map_err(ConvertError::io("read", path))?;
    Header::parse(&json, size).map_err(fault)
}
