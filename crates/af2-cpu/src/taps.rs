//! Taps: intermediates of the network that are recorded, and replaced if asked.

use std::collections::HashMap;

use af2_core::engine::TraceTensor;
use burn_tensor::{Tensor, TensorData};

/// Records nothing unless asked to.
#[derive(Default)]
pub(crate) struct Taps {
    wanted: bool,
    replace: HashMap<String, Vec<f32>>,
    pub recorded: Vec<TraceTensor>,
    /// Sums over heads and text tokens of the weight that each audio token has, [T] per block; none if not wanted.
    relevance: Option<Vec<Tensor<1>>>,
}

impl Taps {
    /// Records every intermediate; the network goes on with the values of `replace` where it has the name.
    pub fn all(replace: HashMap<String, Vec<f32>>) -> Self {
        Self { wanted: true, replace, ..Self::default() }
    }

    /// Records only how much each audio token is attended to.
    pub fn relevance() -> Self {
        Self { relevance: Some(Vec::new()), ..Self::default() }
    }

    /// Adds the relevance of the audio tokens in one block, [T], if it is wanted.
    pub fn add_relevance(&mut self, relevance: impl FnOnce() -> Tensor<1>) {
        if let Some(blocks) = &mut self.relevance {
            blocks.push(relevance());
        }
    }

    /// The relevance of the audio tokens over all blocks, [T].
    pub fn relevance_sum(self) -> Option<Tensor<1>> {
        self.relevance.into_iter().flatten().reduce(|sum, block| sum + block)
    }

    /// Records `x` under a name of the golden files.
    pub fn tap<const D: usize>(&mut self, name: impl Into<String>, x: Tensor<D>) -> Tensor<D> {
        if !self.wanted {
            return x;
        }
        let (name, shape) = (name.into(), x.dims());
        let given = self.replace.remove(&name).filter(|values| values.len() == shape.iter().product::<usize>());
        let values = x.to_data().iter::<f32>().collect();
        self.recorded.push(TraceTensor { name, shape: shape.to_vec(), values });
        match given {
            Some(values) => Tensor::from_data(TensorData::new(values, shape), &x.device()),
            None => x,
        }
    }

    /// Records text or audio tokens, [tokens, width], in the shape [1, tokens, width] of the golden files.
    pub fn tap_tokens(&mut self, name: impl Into<String>, x: Tensor<2>) -> Tensor<2> {
        if self.wanted { self.tap(name, x.unsqueeze::<3>()).squeeze_dim(0) } else { x }
    }
}
