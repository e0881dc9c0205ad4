//! What a conversion writes: every tensor in loading order, its source, its scheme, and the shard it goes to.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Located};
use super::error::ReleaseError;
use super::names::Origin;
use crate::config::ModelConfig;
use crate::weights::Scheme;
use crate::weights::index::{Quantization, scales_name, shard_name};
use crate::weights::manifest::{EMBEDDING, HEAD, INV_FREQ, Part, Storage, TensorUse, manifest};
use crate::weights::safetensors::{Dtype, TensorSpec};

/// A tensor to be written.
#[derive(Debug)]
pub struct PlannedTensor<'c, S> {
    /// Name, shape, part.
    pub tensor: TensorUse,
    /// Where it comes from; `None` for the rotary frequencies of a release that lacks them.
    pub located: Option<&'c Located<S>>,
    /// How it is stored.
    pub scheme: Scheme,
    /// What the index says about it.
    pub quantization: Option<Quantization>,
}

/// A shard to be written.
#[derive(Debug)]
pub struct ShardPlan<'c, S> {
    /// File name.
    pub name: String,
    /// Its tensors, in order.
    pub tensors: Vec<PlannedTensor<'c, S>>,
}

/// Everything a conversion writes besides its small files.
#[derive(Debug)]
pub struct Plan<'c, S> {
    /// Shards in order.
    pub shards: Vec<ShardPlan<'c, S>>,
}

/// The scheme of a tensor of `part` when `asked` is asked for: 4 bits are for the language side; sound, which is heard
/// once per question, keeps 8.
pub fn scheme_for(part: Part, asked: Scheme) -> Scheme {
    match (part, asked) {
        (Part::Encoder | Part::AudioTransformer, Scheme::Q4) => Scheme::Q8,
        _ => asked,
    }
}

impl<S> PlannedTensor<'_, S> {
    /// The one or two tensors of the file: data, then scales.
    pub fn specs(&self) -> Vec<TensorSpec> {
        let name = self.tensor.name.clone();
        let (rows, cols) = self.tensor.matrix();
        let dtype = self.scheme.data_dtype();
        let shape = match self.tensor.storage {
            Storage::Matrix => vec![rows, self.scheme.data_cols(cols)],
            Storage::Exact => self.tensor.shape.clone(),
        };
        let mut specs = vec![TensorSpec { name, dtype, shape }];
        if let Some((dtype, shape)) = self.scheme.scales(rows, cols) {
            specs.push(TensorSpec { name: scales_name(&self.tensor.name), dtype, shape: shape.to_vec() });
        }
        specs
    }

    /// Bytes written for the tensor.
    pub fn bytes(&self) -> u64 {
        self.specs().iter().map(TensorSpec::bytes).fold(0, u64::saturating_add)
    }

    /// Bytes read for the tensor.
    pub fn source_bytes(&self) -> u64 {
        self.located.map_or(0, |located| self.tensor.parameters().saturating_mul(located.dtype.size()))
    }
}

impl<'c, S> Plan<'c, S> {
    /// Plans the model of `config` in scheme `asked`, in shards of about `shard_bytes` (one tensor at least).
    ///
    /// # Errors
    /// [`ReleaseError`] names the first tensor that is missing, of another shape or no floating-point type.
    pub fn new(
        catalog: &'c Catalog<S>,
        config: &ModelConfig,
        asked: Scheme,
        shard_bytes: u64,
    ) -> Result<Self, ReleaseError> {
        let mut groups: Vec<Vec<PlannedTensor<'c, S>>> = Vec::new();
        let mut room = 0;
        for tensor in manifest(config) {
            let planned = planned(catalog, tensor, asked)?;
            let bytes = planned.bytes();
            match groups.last_mut() {
                Some(group) if bytes <= room => group.push(planned),
                _ => {
                    groups.push(vec![planned]);
                    room = shard_bytes;
                }
            }
            room = room.saturating_sub(bytes);
        }
        let count = groups.len();
        let shards = groups.into_iter().enumerate();
        let shards = shards.map(|(i, tensors)| ShardPlan { name: shard_name(i + 1, count), tensors }).collect();
        Ok(Plan { shards })
    }

    /// All tensors in order.
    pub fn tensors(&self) -> impl Iterator<Item = &PlannedTensor<'c, S>> {
        self.shards.iter().flat_map(|shard| &shard.tensors)
    }

    /// Bytes the conversion reads.
    pub fn source_bytes(&self) -> u64 {
        self.tensors().map(PlannedTensor::source_bytes).fold(0, u64::saturating_add)
    }

    /// Weights of the model.
    pub fn parameters(&self) -> u64 {
        self.tensors().map(|planned| planned.tensor.parameters()).fold(0, u64::saturating_add)
    }

    /// Bytes of all tensors written.
    pub fn bytes(&self) -> u64 {
        self.tensors().map(PlannedTensor::bytes).fold(0, u64::saturating_add)
    }

    /// Shard of every tensor written.
    pub fn weight_map(&self) -> BTreeMap<String, String> {
        let of_shard = |shard: &ShardPlan<'c, S>| -> Vec<_> {
            let specs = shard.tensors.iter().flat_map(PlannedTensor::specs);
            specs.map(|spec| (spec.name, shard.name.clone())).collect()
        };
        self.shards.iter().flat_map(of_shard).collect()
    }

    /// The index' table of schemes.
    pub fn quantization(&self) -> BTreeMap<String, Quantization> {
        let entries = self.tensors().filter_map(|planned| Some((&planned.tensor.name, planned.quantization.as_ref()?)));
        entries.map(|(name, entry)| (name.clone(), entry.clone())).collect()
    }
}

fn planned<S>(catalog: &Catalog<S>, tensor: TensorUse, asked: Scheme) -> Result<PlannedTensor<'_, S>, ReleaseError> {
    let located = catalog.get(&tensor.name);
    match located {
        Some(located) => check(&tensor, located)?,
        None if tensor.name == INV_FREQ => {}
        None => return Err(ReleaseError::missing(&tensor.name, format!("{:?}", tensor.shape))),
    }
    let wanted = scheme_for(tensor.part, asked);
    let scheme = match tensor.storage {
        Storage::Matrix => wanted.or_f16(tensor.matrix().1),
        Storage::Exact => Scheme::F32,
    };
    // Whatever is not float32 is recorded, so that a loader knows every size before the first shard arrives.
    let recorded = scheme != Scheme::F32;
    let quantization = recorded.then(|| Quantization::new(&tensor.name, scheme));
    Ok(PlannedTensor { tensor, located, scheme, quantization })
}

fn check<S>(tensor: &TensorUse, located: &Located<S>) -> Result<(), ReleaseError> {
    if !shape_fits(tensor, located) {
        let expected = format!("{:?}", tensor.shape);
        return Err(ReleaseError::Shape { tensor: tensor.name.clone(), found: located.shape.clone(), expected });
    }
    match located.dtype {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::F64 => Ok(()),
        found => Err(ReleaseError::Dtype { tensor: tensor.name.clone(), found }),
    }
}

/// The vocabulary tables of a base language model may have spare rows, which are left out.
fn shape_fits<S>(tensor: &TensorUse, located: &Located<S>) -> bool {
    if located.shape == tensor.shape {
        return true;
    }
    let table = tensor.name == EMBEDDING || tensor.name == HEAD;
    match (tensor.shape.as_slice(), located.shape.as_slice()) {
        (&[rows, cols], &[found_rows, found_cols]) if table && located.origin == Origin::LanguageModel => {
            found_rows >= rows && found_cols == cols
        }
        _ => false,
    }
}
