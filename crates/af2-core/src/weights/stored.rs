//! How a tensor of a converted model is stored, and where in its shard it lies.

use thiserror::Error;

use super::index::{ModelIndex, Quantization};
use super::safetensors::{Header, TensorEntry, TensorSpec};
use super::scheme::Scheme;
use super::tensor_table::{Storage, TensorUse};

/// How a tensor is stored, as the configuration and the index say: known before the first byte of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The storage scheme; exact tensors are `f32`.
    pub scheme: Scheme,
    /// Matrix rows; 1 for exact tensors.
    pub rows: usize,
    /// Matrix columns; all elements for exact tensors.
    pub cols: usize,
    /// Data tensor.
    pub data: TensorSpec,
    /// Scales tensor of a quantised matrix.
    pub scales: Option<TensorSpec>,
}

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
    #[error("tensor `{tensor}` in shard `{shard}` is {found}, expected {expected}; convert the release again")]
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

impl TensorUse {
    /// How the tensor must be stored. A matrix that the index gives no scheme is float32.
    pub fn layout(&self, index: &ModelIndex) -> Layout {
        let (rows, cols) = self.matrix();
        let fits = |entry: &&Quantization| self.storage == Storage::Matrix && entry.scheme.fits(cols);
        let quantization = index.quantization.get(&self.name).filter(fits);
        let scheme = quantization.map_or(Scheme::F32, |entry| entry.scheme);
        let shape = match self.storage {
            Storage::Matrix => vec![rows, scheme.data_cols(cols)],
            Storage::Exact => self.shape.clone(),
        };
        let data = TensorSpec { name: self.name.clone(), dtype: scheme.data_dtype(), shape };
        let scales_name = quantization.and_then(|entry| entry.scales.clone());
        let scales = scales_name.zip(scheme.scales(rows, cols)).map(|(name, (dtype, shape))| TensorSpec {
            name,
            dtype,
            shape: shape.to_vec(),
        });
        Layout { scheme, rows, cols, data, scales }
    }
}

impl Layout {
    /// The stored tensors: data, then scales if there are any.
    pub fn specs(&self) -> impl Iterator<Item = &TensorSpec> {
        std::iter::once(&self.data).chain(&self.scales)
    }
}

impl TensorSpec {
    /// The shard in which the index places the tensor.
    ///
    /// # Errors
    /// [`StoredError::NotIndexed`].
    pub fn shard<'i>(&self, index: &'i ModelIndex) -> Result<&'i str, StoredError> {
        let shard = index.weight_map.get(&self.name).map(String::as_str);
        shard.ok_or_else(|| StoredError::NotIndexed(self.name.clone()))
    }

    /// The tensor's entry in the header of `shard`.
    ///
    /// # Errors
    /// [`StoredError::NotInShard`], or [`StoredError::Unexpected`] for another type or shape.
    pub fn find<'h>(&self, shard: &str, header: Option<&'h Header>) -> Result<&'h TensorEntry, StoredError> {
        let (tensor, shard) = (self.name.clone(), shard.to_owned());
        let Some(entry) = header.and_then(|header| header.tensors.get(&self.name)) else {
            return Err(StoredError::NotInShard { tensor, shard });
        };
        if entry.dtype == self.dtype && entry.shape == self.shape {
            return Ok(entry);
        }
        let found = format!("{:?} {:?}", entry.dtype, entry.shape);
        Err(StoredError::Unexpected { tensor, shard, found, expected: format!("{:?} {:?}", self.dtype, self.shape) })
    }
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
        let location = |spec: &TensorSpec| {
            let shard = spec.shard(index)?;
            Ok(Location { shard: shard.into(), entry: spec.find(shard, header(shard))?.clone() })
        };
        let layout = wanted.layout(index);
        let data = location(&layout.data)?;
        let scales = layout.scales.as_ref().map(location).transpose()?;
        Ok(StoredTensor { scheme: layout.scheme, rows: layout.rows, cols: layout.cols, data, scales })
    }
}
