//! The stored tensors of a model, unpacked to float32 as modules ask for them by the checkpoint's names.

use std::collections::HashMap;

use af2_core::config::ModelConfig;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::stored::{Layout, StoredError};
use af2_core::weights::tensor_table::{TensorUse, tensor_table};
use burn_tensor::{Device, Tensor, TensorData};

use crate::CpuError;

/// All tensors of a model by name.
pub(crate) struct Weights {
    expected: HashMap<String, (TensorUse, Layout)>,
    /// Bytes of the stored tensors, scales included.
    stored: HashMap<String, Vec<u8>>,
    pub device: Device,
}

/// A module's place among the tensors: what its names begin with.
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Weights {
    pub fn new(config: &ModelConfig, index: &ModelIndex, stored: HashMap<String, Vec<u8>>, device: Device) -> Self {
        let entry = |tensor: TensorUse| {
            let layout = tensor.layout(index);
            (tensor.name.clone(), (tensor, layout))
        };
        Self { expected: tensor_table(config).into_iter().map(entry).collect(), stored, device }
    }

    /// The module whose tensors' names begin with `prefix` and a dot.
    pub fn scope(&self, prefix: impl Into<String>) -> Scope<'_> {
        Scope { weights: self, prefix: prefix.into() }
    }

    /// Shape in the checkpoint, and the values the kernels compute with, row-major.
    fn values(&self, name: &str) -> Result<(&[usize], Vec<f32>), CpuError> {
        let missing = || StoredError::NotIndexed(name.into());
        let (tensor, layout) = self.expected.get(name).ok_or_else(missing)?;
        let bytes = |name: &str| self.stored.get(name).map(Vec::as_slice).ok_or_else(missing);
        let scales = layout.scales.as_ref().map_or(Ok(&[][..]), |scales| bytes(&scales.name))?;
        let unpacked = layout.scheme.unpack(layout.rows, layout.cols, bytes(name)?, scales);
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
