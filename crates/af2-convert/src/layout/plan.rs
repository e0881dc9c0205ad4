//! What a conversion writes: every tensor in loading order, its source, its scheme, and the shard it goes to.

use std::collections::BTreeMap;

use af2_core::config::ModelConfig;
use af2_core::weights::Scheme;
use af2_core::weights::index::{Quantization, scales_name, shard_name};
use af2_core::weights::safetensors::{Dtype, TensorSpec};
use af2_core::weights::tensor_table::{EMBEDDING, HEAD, INV_FREQ, Part, Storage, TensorUse, tensor_table};

use super::catalog::{Catalog, Located};
use super::error::ReleaseError;
use super::names::Origin;

/// A tensor to be written.
pub struct PlannedTensor<'c> {
    /// Name, shape, part.
    pub tensor: TensorUse,
    /// Where it comes from; `None` for the rotary frequencies of a release that lacks them.
    pub located: Option<&'c Located<'c>>,
    /// How it is stored.
    pub scheme: Scheme,
    /// What the index says about it.
    pub quantization: Option<Quantization>,
}

/// A shard to be written.
pub struct ShardPlan<'c> {
    /// File name.
    pub name: String,
    /// Its tensors, in order.
    pub tensors: Vec<PlannedTensor<'c>>,
}

/// Everything a conversion writes besides its small files.
pub struct Plan<'c> {
    /// Shards in order.
    pub shards: Vec<ShardPlan<'c>>,
}

/// The scheme of a tensor of `part` when `asked` is asked for. Audio is encoded once per clip, so its networks can afford
/// 8 bits where the decoder, read once per token, has 4.
fn scheme_for(part: Part, asked: Scheme) -> Scheme {
    match (part, asked) {
        (Part::Encoder | Part::AudioTransformer, Scheme::Q4) => Scheme::Q8,
        _ => asked,
    }
}

impl PlannedTensor<'_> {
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

    /// Bytes of its scales; 0 for a scheme without.
    pub fn scale_bytes(&self) -> usize {
        self.specs().get(1).map_or(0, |scales| scales.bytes() as usize)
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

impl<'c> Plan<'c> {
    /// Plans the model of `config` in scheme `asked`, in shards of about `shard_bytes` (one tensor at least).
    ///
    /// # Errors
    /// [`ReleaseError`] names the first tensor that is missing, of another shape or no floating-point type.
    pub fn new(
        catalog: &'c Catalog<'c>,
        config: &ModelConfig,
        asked: Scheme,
        shard_bytes: u64,
    ) -> Result<Self, ReleaseError> {
        let mut groups: Vec<Vec<PlannedTensor<'c>>> = Vec::new();
        let mut room = 0;
        for tensor in tensor_table(config) {
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
    pub fn tensors(&self) -> impl Iterator<Item = &PlannedTensor<'c>> {
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
        let of_shard = |shard: &ShardPlan<'c>| -> Vec<_> {
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

fn planned<'c>(catalog: &'c Catalog<'c>, tensor: TensorUse, asked: Scheme) -> Result<PlannedTensor<'c>, ReleaseError> {
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

fn check(tensor: &TensorUse, located: &Located<'_>) -> Result<(), ReleaseError> {
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
fn shape_fits(tensor: &TensorUse, located: &Located<'_>) -> bool {
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
