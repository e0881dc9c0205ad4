//! Encoder weights from the PyTorch checkpoint the release was trained from.
//!
//! The reader interprets the pickle as data: constructors it does not know are kept as values and never called.

use std::path::Path;

use af2_core::release::{Catalog, Origin};
use af2_core::weights::safetensors::Dtype;
use pytorch_reader::{DType, PytorchError, PytorchReader};

use super::error::ConvertError;
use super::source::Source;

/// Entry of the checkpoint that holds the weights.
const STATE_DICT: &str = "state_dict";

/// Adds all tensors of a checkpoint.
pub(super) fn add(catalog: &mut Catalog<Source>, path: &Path) -> Result<(), ConvertError> {
    let reader = match PytorchReader::with_top_level_key(path, STATE_DICT) {
        Err(PytorchError::KeyNotFound(_)) => PytorchReader::new(path), // a bare state dict
        other => other,
    };
    let fault = |error: PytorchError| ConvertError::Pytorch { path: path.into(), reason: error.to_string() };
    for (name, tensor) in reader.map_err(fault)?.into_tensors() {
        let (dtype, shape) = (dtype(tensor.dtype()), tensor.shape().to_vec());
        catalog.add(Origin::Clap, &name, dtype, shape, Source::Pytorch { path: path.into(), tensor });
    }
    Ok(())
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
