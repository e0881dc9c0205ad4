//! Audio keys and values of a cross-attention block: computed once per clip, read for every text token.
//!
//! # Shapes
//! [T, 2·W] as `to_kv` computes them: the first W numbers of a token's row are its key, the others its value. T = 64 tokens per window.

use std::ops::Range;
use std::sync::Arc;

use burn_tensor::{Device, Tensor, TensorData};

use crate::attention::split_heads;

/// Audio keys and values of one block; clones share them.
#[derive(Clone)]
pub(crate) enum AudioKv {
    /// Plain numbers, which decoding steps read.
    Rows { values: Arc<Vec<f32>>, width: usize },
    /// A tensor, for backends that compute elsewhere or record gradients.
    Tensor(Box<Tensor<2>>),
}

impl AudioKv {
    /// Of what `to_kv` gave; plain numbers if the backend computes with them.
    pub fn new(kv: Tensor<2>, plain: bool) -> Self {
        if !plain {
            return Self::Tensor(Box::new(kv));
        }
        let width = kv.dims()[1];
        Self::Rows { values: Arc::new(kv.into_data().iter().collect()), width }
    }

    /// The keys and values of some audio tokens.
    pub fn of(&self, tokens: &[Range<usize>]) -> Self {
        match self {
            Self::Rows { values, width } => {
                let part = |range: &Range<usize>| &values[range.start * width..range.end * width];
                Self::Rows { values: Arc::new(tokens.iter().flat_map(part).copied().collect()), width: *width }
            }
            Self::Tensor(kv) => {
                let part = |range: &Range<usize>| Tensor::clone(kv).narrow(0, range.start, range.len());
                let parts: Vec<_> = tokens.iter().map(part).collect();
                let none = || Tensor::clone(kv).slice([0..0, 0..kv.dims()[1]]);
                Self::Tensor(Box::new(if parts.is_empty() { none() } else { Tensor::cat(parts, 0) }))
            }
        }
    }

    /// T.
    pub fn tokens(&self) -> usize {
        match self {
            Self::Rows { values, width } => values.len() / width,
            Self::Tensor(kv) => kv.dims()[0],
        }
    }

    /// Keys and values, [heads, T, d] each.
    pub fn tensors(&self, heads: usize, device: &Device) -> [Tensor<3>; 2] {
        let kv = self.tensor(device);
        let width = kv.dims()[1] / 2;
        [0, width].map(|first| split_heads(kv.clone().narrow(1, first, width), heads))
    }

    /// The numbers row by row, and how many a row has; none of a tensor.
    pub fn rows(&self) -> (&[f32], usize) {
        match self {
            Self::Rows { values, width } => (values, *width),
            Self::Tensor(kv) => (&[], kv.dims()[1]),
        }
    }

    /// A sum, [1]: NaN if any number is not finite, else 0.
    pub fn check(&self, device: &Device) -> Tensor<1> {
        match self {
            Self::Rows { values, .. } => {
                let sum: f32 = values.iter().map(|value| value * 0.0).sum();
                Tensor::from_data(TensorData::new(vec![sum], [1]), device)
            }
            Self::Tensor(kv) => (Tensor::clone(kv) * 0.0).sum(),
        }
    }

    fn tensor(&self, device: &Device) -> Tensor<2> {
        match self {
            Self::Rows { values, width } => {
                Tensor::from_data(TensorData::new(values.to_vec(), [self.tokens(), *width]), device)
            }
            Self::Tensor(kv) => Tensor::clone(kv),
        }
    }
}
