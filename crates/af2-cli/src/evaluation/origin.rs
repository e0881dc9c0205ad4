//! What made the answers of a report.

use std::collections::BTreeMap;

use af2_core::weights::index::ModelIndex;
use af2_eval::{Predictions, Run};
use anyhow::Result;

use crate::batch::Origin;

/// The origin of a batch, with the schemes of the model's index and the adapters that its answers name.
///
/// # Errors
/// The index is unusable.
pub fn run_of(origin: &Origin, index: &[u8], predictions: &Predictions) -> Result<Run> {
    let index = ModelIndex::parse(index)?;
    let mut schemes: BTreeMap<String, u64> = BTreeMap::new();
    for matrix in index.quantization.values() {
        *schemes.entry(matrix.scheme.to_string()).or_default() += 1;
    }
    let adapters: Vec<&str> = predictions.adapters.iter().map(String::as_str).collect();
    let schemes = schemes.into_iter().map(|(scheme, matrices)| (scheme, matrices.into())).collect();
    let origin: Run = serde_json::from_value(serde_json::to_value(origin)?)?;
    Ok(Run { schemes, adapter: adapters.join(", "), ..origin })
}
