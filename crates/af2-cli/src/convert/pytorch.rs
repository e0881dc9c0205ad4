//! Encoder weights from the PyTorch checkpoint that the release was trained from.
//!
//! The reader interprets the pickle as data: constructors it does not know are stored as values and never called.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use af2_convert::{Checkpoint, LocalFuture, Source, StorageError};
use af2_core::weights::safetensors::{Dtype, TensorSpec};
use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};

use super::error::{ConvertError, storage};
use crate::open_file::open_regular;

/// Entry of the checkpoint that holds the weights.
const STATE_DICT: &str = "state_dict";

/// An open checkpoint: a source whose objects are its tensors.
pub struct PytorchFile {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
    /// The tensor read last. The reader knows no ranges, and large tensors are read in several.
    last: RefCell<Option<(String, Vec<u8>)>>,
}

impl PytorchFile {
    /// Reads the table of tensors.
    ///
    /// # Errors
    /// The file cannot be read, or is no checkpoint of PyTorch.
    pub fn open(path: &Path) -> Result<Self, ConvertError> {
        open_regular(path).map_err(storage("open", path))?; // a pipe would block the reader
        let reader = match PytorchReader::with_top_level_key(path, STATE_DICT) {
            Err(PytorchError::KeyNotFound(_)) => PytorchReader::new(path), // a bare state dict
            other => other,
        };
        let fault = |error: PytorchError| ConvertError::Pytorch { path: path.into(), reason: error.to_string() };
        let tensors = reader.map_err(fault)?.into_tensors();
        Ok(Self { path: path.into(), tensors, last: RefCell::default() })
    }

    /// The tensors, for the converter.
    pub fn checkpoint(&self) -> Checkpoint<'_> {
        let spec = |(name, tensor): (&String, &Tensor)| TensorSpec {
            name: name.clone(),
            dtype: dtype(tensor.dtype()),
            shape: tensor.shape().to_vec(),
        };
        Checkpoint { source: self, tensors: self.tensors.iter().map(spec).collect() }
    }

    fn error(&self, action: &'static str, reason: String) -> StorageError {
        StorageError { action, location: self.path.display().to_string(), reason, absent: false }
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, StorageError> {
        self.tensors.get(name).ok_or_else(|| self.error("read", format!("it has no tensor `{name}`")))
    }

    fn range(&self, name: &str, bytes: Range<u64>) -> Result<Vec<u8>, StorageError> {
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(read, _)| read != name) {
            *last = None; // one tensor at a time
            let all = self.tensor(name)?.read().map_err(|error| self.error("read", error.to_string()))?;
            *last = Some((name.into(), all));
        }
        let range = last.as_ref().and_then(|(_, all)| all.get(bytes.start as usize..bytes.end as usize));
        range.map(<[u8]>::to_vec).ok_or_else(|| self.error("read", format!("`{name}` is too short")))
    }
}

impl Source for PytorchFile {
    fn locate(&self, _: &str) -> String {
        self.path.display().to_string()
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.tensor(object)?.byte_len() as u64) })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move { self.range(object, bytes) })
    }
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
