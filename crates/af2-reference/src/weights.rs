//! The stored tensors of a model, unpacked to float32 as modules ask for them by the checkpoint's names.

use std::collections::{BTreeMap, HashMap};

use af2_core::config::ModelConfig;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::manifest::{TensorUse, manifest};
use af2_core::weights::safetensors::Header;
use af2_core::weights::stored::{Location, StoredError, StoredTensor};
use burn_tensor::{Device, Tensor, TensorData};

use crate::ReferenceError;

/// A verified shard.
pub(crate) struct Shard {
    pub header: Header,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// All tensors of a model by name.
pub(crate) struct Weights {
    expected: HashMap<String, TensorUse>,
    index: ModelIndex,
    shards: BTreeMap<String, Shard>,
    pub device: Device,
}

/// A module's place among the tensors: what its names begin with.
pub(crate) struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl Weights {
    pub fn new(config: &ModelConfig, index: ModelIndex, shards: BTreeMap<String, Shard>, device: Device) -> Self {
        let expected = manifest(config).into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        Self { expected, index, shards, device }
    }

    /// The module whose tensors' names begin with `prefix` and a dot.
    pub fn scope(&self, prefix: impl Into<String>) -> Scope<'_> {
        Scope { weights: self, prefix: prefix.into() }
    }

    /// A tensor in its checkpoint's shape, of rank `D`.
    pub fn tensor<const D: usize>(&self, name: &str) -> Result<Tensor<D>, ReferenceError> {
        let wanted = self.wanted(name, D)?;
        let data = TensorData::new(self.values(wanted)?, wanted.shape.clone());
        let tensor = Tensor::from_data(data, &self.device);
        Ok(if self.device.is_autodiff() { tensor.require_grad() } else { tensor })
    }

    /// What the configuration expects under a name, if it has this rank.
    fn wanted(&self, name: &str, rank: usize) -> Result<&TensorUse, ReferenceError> {
        let wanted = self.expected.get(name).filter(|wanted| wanted.shape.len() == rank);
        Ok(wanted.ok_or_else(|| StoredError::NotIndexed(name.into()))?)
    }

    /// The values the kernels compute with, row-major.
    fn values(&self, wanted: &TensorUse) -> Result<Vec<f32>, ReferenceError> {
        let header = |shard: &str| self.shards.get(shard).map(|shard| &shard.header);
        let stored = StoredTensor::locate(wanted, &self.index, header)?;
        let scales = stored.scales.as_ref().map_or(Ok(&[][..]), |scales| self.bytes(&wanted.name, scales))?;
        let data = self.bytes(&wanted.name, &stored.data)?;
        let unpacked = stored.scheme.unpack(stored.rows, stored.cols, data, scales);
        unpacked.map_err(|source| ReferenceError::Scheme { tensor: wanted.name.clone(), source })
    }

    fn bytes(&self, tensor: &str, place: &Location) -> Result<&[u8], ReferenceError> {
        let range = place.entry.begin as usize..place.entry.end as usize;
        let bytes = self.shards.get(&place.shard).and_then(|shard| shard.bytes.get(range));
        let missing = || StoredError::NotInShard { tensor: tensor.into(), shard: place.shard.clone() };
        Ok(bytes.ok_or_else(missing)?)
    }
}

impl<'a> Scope<'a> {
    /// A module inside this one.
    pub fn at(&self, name: &str) -> Scope<'a> {
        Scope { weights: self.weights, prefix: format!("{}.{name}", self.prefix) }
    }

    pub fn tensor<const D: usize>(&self, name: &str) -> Result<Tensor<D>, ReferenceError> {
        self.weights.tensor(&format!("{}.{name}", self.prefix))
    }

    /// A vector's values, for what is computed on the host.
    pub fn vector(&self, name: &str) -> Result<Vec<f32>, ReferenceError> {
        self.weights.values(self.weights.wanted(&format!("{}.{name}", self.prefix), 1)?)
    }

    pub fn device(&self) -> &'a Device {
        &self.weights.device
    }
}
