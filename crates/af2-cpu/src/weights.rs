//! The stored tensors of a model, taken by modules as they ask for them by the checkpoint's names.
//!
//! Matrices stay as they are stored, the rest is unpacked to float32. A tensor's stored bytes are moved or freed when it is taken, so that
//! loading takes the memory of the model and of one tensor more.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use af2_core::config::ModelConfig;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::stored::{Layout, StoredError};
use af2_core::weights::tensor_table::{TensorUse, tensor_table};
use burn_tensor::{Device, Tensor, TensorData};

use crate::matrix::Matrix;
use crate::packed::PackedMatrix;
use crate::{Backend, CpuError};

/// All tensors of a model by name.
pub(crate) struct Weights {
    expected: HashMap<String, (TensorUse, Layout)>,
    /// Bytes of the stored tensors that were not taken yet, scales included.
    stored: RefCell<HashMap<String, Vec<u8>>>,
    /// Whether matrices stay packed.
    packed: bool,
    /// Whether many rows are multiplied with packed matrices in integers.
    integers: bool,
    pub device: Device,
}

/// A module's place among the tensors: what its names begin with.
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Weights {
    pub fn new(config: &ModelConfig, index: &ModelIndex, stored: HashMap<String, Vec<u8>>, backend: Backend) -> Self {
        let entry = |tensor: TensorUse| {
            let layout = tensor.layout(index);
            (tensor.name.clone(), (tensor, layout))
        };
        Self {
            expected: tensor_table(config).into_iter().map(entry).collect(),
            stored: RefCell::new(stored),
            packed: backend.computes_packed(),
            integers: backend.computes_in_integers(),
            device: backend.device(),
        }
    }

    /// The module whose tensors' names begin with `prefix` and a dot.
    pub fn scope(&self, prefix: impl Into<String>) -> Scope<'_> {
        Scope { weights: self, prefix: prefix.into() }
    }

    fn layout(&self, name: &str) -> Result<&(TensorUse, Layout), CpuError> {
        Ok(self.expected.get(name).ok_or_else(|| StoredError::NotIndexed(name.into()))?)
    }

    /// A tensor's data and scales.
    fn take(&self, name: &str, layout: &Layout) -> Result<(Vec<u8>, Vec<u8>), CpuError> {
        let mut stored = self.stored.borrow_mut();
        let mut take = |name: &str| stored.remove(name).ok_or_else(|| StoredError::NotIndexed(name.into()));
        let scales = layout.scales.as_ref().map_or(Ok(Vec::new()), |scales| take(&scales.name))?;
        Ok((take(name)?, scales))
    }

    /// Shape in the checkpoint, and the values the kernels compute with, row-major.
    fn values(&self, name: &str) -> Result<(&[usize], Vec<f32>), CpuError> {
        let (tensor, layout) = self.layout(name)?;
        let (data, scales) = self.take(name, layout)?;
        let unpacked = layout.scheme.unpack(layout.rows, layout.cols, &data, &scales);
        let values = unpacked.map_err(|source| CpuError::Scheme { tensor: name.into(), source })?;
        Ok((&tensor.shape, values))
    }
}

impl<'a> Scope<'a> {
    /// A module inside this one.
    pub fn at(&self, name: &str) -> Scope<'a> {
        self.weights.scope(self.name(name))
    }

    /// A tensor in its checkpoint's shape, of rank `D`.
    pub fn tensor<const D: usize>(&self, name: &str) -> Result<Tensor<D>, CpuError> {
        let name = self.name(name);
        let (shape, values) = self.weights.values(&name)?;
        let shape: [usize; D] = shape.try_into().map_err(|_| StoredError::NotIndexed(name.clone()))?;
        let tensor = Tensor::from_data(TensorData::new(values, shape), self.device());
        Ok(if self.device().is_autodiff() { tensor.require_grad() } else { tensor })
    }

    /// A matrix, [out, in]: packed as it is stored, where the backend can compute so.
    pub fn matrix(&self, name: &str) -> Result<Matrix, CpuError> {
        if !self.weights.packed {
            return Ok(Matrix::Dense(Box::new(self.tensor(name)?)));
        }
        let name = self.name(name);
        let (_, layout) = self.weights.layout(&name)?;
        let (data, scales) = self.weights.take(&name, layout)?;
        let packed = PackedMatrix::new(layout.scheme, [layout.rows, layout.cols], data, scales);
        let packed = packed.map_err(|source| CpuError::Scheme { tensor: name, source })?;
        Ok(Matrix::Packed(Arc::new(if self.weights.integers { packed } else { packed.in_float32() })))
    }

    /// A tensor's values, for what is computed on the host.
    pub fn vector(&self, name: &str) -> Result<Vec<f32>, CpuError> {
        Ok(self.weights.values(&self.name(name))?.1)
    }

    pub fn device(&self) -> &'a Device {
        &self.weights.device
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }
}
