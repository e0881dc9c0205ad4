//! One tensor of a converted model as it lies in its shard, checked against the manifest.

use thiserror::Error;

use super::index::{ModelIndex, Quantization};
use super::manifest::{Storage, TensorUse};
use super::safetensors::{Dtype, Header, TensorEntry};
use super::scheme::Scheme;

/// Where a tensor's bytes are and how they are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// The storage scheme; exact tensors are `f32`.
    pub scheme: Scheme,
    /// Matrix rows; 1 for exact tensors.
    pub rows: usize,
    /// Matrix columns; all elements for exact tensors.
    pub cols: usize,
    /// Data tensor.
    pub data: Location,
    /// Scales tensor of a quantised matrix.
    pub scales: Option<Location>,
}

/// A byte range of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// File name of the shard.
    pub shard: String,
    /// Entry in its header.
    pub entry: TensorEntry,
}

/// Why a tensor of the model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoredError {
    /// Named by the model, in no shard.
    #[error("tensor `{0}` is missing from the index; convert the release again")]
    NotIndexed(String),
    /// The index promises it, the shard's header lacks it.
    #[error("shard `{shard}` lacks tensor `{tensor}`, which the index places there; fetch or convert it again")]
    NotInShard {
        /// Its name.
        tensor: String,
        /// File name.
        shard: String,
    },
    /// Another type or shape than the configuration asks for.
    #[error("tensor `{tensor}` in shard `{shard}` is {found}, expected {expected}")]
    Unexpected {
        /// Its name.
        tensor: String,
        /// File name.
        shard: String,
        /// Type and shape found.
        found: String,
        /// Type and shape expected.
        expected: String,
    },
}

impl StoredTensor {
    /// Bytes of data and scales.
    pub fn bytes(&self) -> u64 {
        self.data.entry.bytes() + self.scales.as_ref().map_or(0, |scales| scales.entry.bytes())
    }

    /// Finds `wanted` through the index, `header` giving the header of a shard by name.
    ///
    /// # Errors
    /// [`StoredError`], which names the tensor and shard.
    pub fn locate<'h>(
        wanted: &TensorUse,
        index: &ModelIndex,
        header: impl Fn(&str) -> Option<&'h Header>,
    ) -> Result<StoredTensor, StoredError> {
        let (rows, cols) = wanted.matrix();
        let data = location(&wanted.name, index, &header)?;
        let quantization = index.quantization.get(&wanted.name);
        let scheme = scheme(wanted, quantization, data.entry.dtype);
        expect(&wanted.name, &data, scheme.data_dtype(), &data_shape(wanted, scheme))?;
        let scales = match (quantization.and_then(|entry| entry.scales.as_ref()), scheme.scales(rows, cols)) {
            (Some(name), Some((dtype, shape))) => {
                let scales = location(name, index, &header)?;
                expect(name, &scales, dtype, &shape)?;
                Some(scales)
            }
            _ => None,
        };
        Ok(StoredTensor { scheme, rows, cols, data, scales })
    }
}

/// What the tensor must be stored as: f32 where it is exact, the index' scheme, or the scheme its type tells.
fn scheme(wanted: &TensorUse, quantization: Option<&Quantization>, dtype: Dtype) -> Scheme {
    let fits = |entry: &&Quantization| wanted.storage == Storage::Matrix && entry.scheme.fits(wanted.matrix().1);
    match quantization.filter(fits) {
        Some(entry) => entry.scheme,
        None if wanted.storage == Storage::Matrix && dtype == Dtype::F16 => Scheme::F16,
        None => Scheme::F32,
    }
}

fn data_shape(wanted: &TensorUse, scheme: Scheme) -> Vec<usize> {
    match (wanted.storage, wanted.shape.as_slice()) {
        (Storage::Matrix, &[rows, cols]) => vec![rows, scheme.data_cols(cols)],
        (_, shape) => shape.to_vec(),
    }
}

fn location<'h>(
    name: &str,
    index: &ModelIndex,
    header: impl Fn(&str) -> Option<&'h Header>,
) -> Result<Location, StoredError> {
    let shard = index.weight_map.get(name).ok_or_else(|| StoredError::NotIndexed(name.into()))?;
    let entry = header(shard).and_then(|header| header.tensors.get(name));
    let entry = entry.ok_or_else(|| StoredError::NotInShard { tensor: name.into(), shard: shard.clone() })?;
    Ok(Location { shard: shard.clone(), entry: entry.clone() })
}

fn expect(tensor: &str, found: &Location, dtype: Dtype, shape: &[usize]) -> Result<(), StoredError> {
    if found.entry.dtype == dtype && found.entry.shape == shape {
        return Ok(());
    }
    Err(StoredError::Unexpected {
        tensor: tensor.into(),
        shard: found.shard.clone(),
        found: format!("{:?} {:?}", found.entry.dtype, found.entry.shape),
        expected: format!("{dtype:?} {shape:?}"),
    })
}
