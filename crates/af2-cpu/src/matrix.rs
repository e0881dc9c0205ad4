//! A weight matrix: a tensor of the backend, or the bytes that were stored.

use std::sync::Arc;

use burn_tensor::{Device, Int, Tensor, TensorData, module};

use crate::packed::PackedMatrix;

/// A weight matrix, [out, in]; clones share it.
#[derive(Clone)]
pub(crate) enum Matrix {
    /// A tensor of float32, for backends that compute elsewhere or record gradients.
    Dense(Box<Tensor<2>>),
    /// As stored.
    Packed(Arc<PackedMatrix>),
}

impl Matrix {
    /// x Wᵀ, [.., out], of x, [.., in].
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Dense(weight) => module::linear(x, Tensor::clone(weight).transpose(), None),
            Self::Packed(packed) => packed.forward(x),
        }
    }

    /// The stored bytes, unless it is a tensor.
    pub fn packed(&self) -> Option<Arc<PackedMatrix>> {
        match self {
            Self::Dense(_) => None,
            Self::Packed(packed) => Some(Arc::clone(packed)),
        }
    }

    /// Rows by number, [ids, in].
    pub fn select(&self, ids: &[u32], device: &Device) -> Tensor<2> {
        match self {
            Self::Dense(weight) => {
                let numbers: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
                let numbers = Tensor::<1, Int>::from_data(TensorData::new(numbers, [ids.len()]), device);
                Tensor::clone(weight).select(0, numbers)
            }
            Self::Packed(packed) => {
                Tensor::from_data(TensorData::new(packed.select(ids), [ids.len(), packed.cols()]), device)
            }
        }
    }
}
