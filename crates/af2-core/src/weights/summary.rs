//! What a converted model weighs, part by part.

use std::collections::BTreeMap;

use serde::Serialize;

use super::stored::StoredTensor;
use super::tensor_table::{Part, TensorUse};

/// One part of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartSummary {
    /// Which part.
    pub part: Part,
    /// Weights.
    pub parameters: u64,
    /// Bytes stored, scales included.
    pub bytes: u64,
    /// Bytes stored per scheme, by the scheme's name.
    pub schemes: BTreeMap<String, u64>,
}

/// A whole model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// The parts the model has, in loading order.
    pub parts: Vec<PartSummary>,
    /// Weights.
    pub parameters: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// Weight bytes one decoded token reads: decoder, cross-attention without the audio's keys and values, head.
    pub bytes_per_token: u64,
}

impl ModelSummary {
    /// Adds up all tensors of a model.
    pub fn new(tensors: &[(TensorUse, StoredTensor)]) -> Self {
        let parts: Vec<_> = Part::ALL.into_iter().filter_map(|part| PartSummary::new(part, tensors)).collect();
        let per_token = tensors.iter().filter(|(tensor, _)| tensor.per_token);
        ModelSummary {
            parameters: parts.iter().map(|part| part.parameters).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            bytes_per_token: per_token.map(|(_, stored)| stored.bytes()).sum(),
            parts,
        }
    }
}

impl PartSummary {
    fn new(part: Part, tensors: &[(TensorUse, StoredTensor)]) -> Option<Self> {
        let mut summary = PartSummary { part, parameters: 0, bytes: 0, schemes: BTreeMap::new() };
        for (tensor, stored) in tensors.iter().filter(|(tensor, _)| tensor.part == part) {
            summary.parameters += tensor.parameters();
            summary.bytes += stored.bytes();
            *summary.schemes.entry(stored.scheme.to_string()).or_default() += stored.bytes();
        }
        (summary.parameters > 0).then_some(summary)
    }
}
