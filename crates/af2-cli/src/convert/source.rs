//! Where the bytes of a tensor come from.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use af2_core::release::{Catalog, Origin};
use pytorch_reader::Tensor;

use super::error::ConvertError;
use super::tensor_file::TensorFile;
use crate::synth::Values;

/// A tensor of some file.
#[derive(Debug, Clone)]
pub enum Source {
    /// A byte range of a safetensors file.
    Safetensors {
        /// The file.
        file: Arc<TensorFile>,
        /// First byte of the tensor in the file.
        begin: u64,
    },
    /// A tensor of a PyTorch checkpoint.
    Pytorch {
        /// The checkpoint, for errors.
        path: PathBuf,
        /// The tensor.
        tensor: Tensor,
    },
    /// Made up.
    Synthetic(Values),
}

impl Source {
    /// Whether pieces cost no more than the whole.
    pub fn reads_pieces(&self) -> bool {
        !matches!(self, Source::Pytorch { .. })
    }

    /// A range of the tensor's bytes.
    pub fn read(&self, bytes: Range<u64>) -> Result<Vec<u8>, ConvertError> {
        match self {
            Source::Safetensors { file, begin } => file.read(begin + bytes.start, (bytes.end - bytes.start) as usize),
            Source::Synthetic(values) => Ok(values.bytes(bytes)),
            Source::Pytorch { path, tensor } => {
                let fault = |reason: String| ConvertError::Pytorch { path: path.clone(), reason };
                let all = tensor.read().map_err(|error| fault(error.to_string()))?;
                let range = bytes.start as usize..bytes.end as usize;
                all.get(range).map(<[u8]>::to_vec).ok_or_else(|| fault(format!("`{}` is too short", tensor.name)))
            }
        }
    }
}

/// Adds all tensors of a safetensors file.
pub(super) fn add_file(catalog: &mut Catalog<Source>, origin: Origin, file: TensorFile) {
    let file = Arc::new(file);
    for (name, entry) in &file.header().tensors {
        let source = Source::Safetensors { file: Arc::clone(&file), begin: entry.begin };
        catalog.add(origin, name, entry.dtype, entry.shape.clone(), source);
    }
}
