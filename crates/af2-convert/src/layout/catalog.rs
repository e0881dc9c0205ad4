//! The merge of all checkpoints: which tensor of which checkpoint stands for each canonical name.

use std::collections::{BTreeMap, BTreeSet};

use af2_core::weights::safetensors::Dtype;

use super::error::ReleaseError;
use super::names::{Origin, canonical};
use crate::source::TensorBytes;

/// A tensor of a checkpoint.
#[derive(Clone)]
pub struct Located<'a> {
    /// Element type in the checkpoint.
    pub dtype: Dtype,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// Which checkpoint.
    pub origin: Origin,
    /// Its bytes, little-endian and row-major.
    pub bytes: TensorBytes<'a>,
    alias: bool,
}

/// All tensors of all checkpoints by canonical name.
#[derive(Clone, Default)]
pub struct Catalog<'a> {
    tensors: BTreeMap<String, Located<'a>>,
}

impl<'a> Catalog<'a> {
    /// Adds tensor `name` of a checkpoint.
    ///
    /// As when the original loads its files one after the other, the release overrides what it was trained from and
    /// later chunks override earlier ones; a tensor's second name counts only without the first.
    pub fn add(&mut self, origin: Origin, name: &str, dtype: Dtype, shape: Vec<usize>, bytes: TensorBytes<'a>) {
        let Some(canonical) = canonical(origin, name) else { return };
        let rank = |origin: Origin, alias: bool| (origin, !alias);
        let new = Located { dtype, shape, origin, bytes, alias: canonical.alias };
        match self.tensors.get(&canonical.name) {
            Some(old) if rank(old.origin, old.alias) > rank(new.origin, new.alias) => {}
            _ => drop(self.tensors.insert(canonical.name, new)),
        }
    }

    /// The tensor that stands for a canonical name.
    pub fn get(&self, name: &str) -> Option<&Located<'a>> {
        self.tensors.get(name)
    }

    /// The shape of a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// [`ReleaseError::Missing`] or [`ReleaseError::Shape`], with `expected` as the description.
    pub fn shape(&self, name: &str, rank: usize, expected: &str) -> Result<&[usize], ReleaseError> {
        let tensor = self.get(name).ok_or_else(|| ReleaseError::missing(name, expected))?;
        if tensor.shape.len() != rank || tensor.shape.contains(&0) {
            let (tensor, found) = (name.to_owned(), tensor.shape.clone());
            return Err(ReleaseError::Shape { tensor, found, expected: expected.to_owned() });
        }
        Ok(&tensor.shape)
    }

    /// The numbers that follow `prefix` in names going on with `suffix`: 0, 1, 4 for `a.0.x`, `a.1.x.y`, `a.4.x`.
    pub fn numbers(&self, prefix: &str, suffix: &str) -> BTreeSet<usize> {
        let names = self.tensors.range(prefix.to_owned()..).map(|(name, _)| name);
        let rests = names.map_while(|name| name.strip_prefix(prefix));
        rests
            .filter_map(|rest| rest.split_once('.'))
            .filter(|(_, rest)| rest.starts_with(suffix))
            .filter_map(|(number, _)| number.parse().ok())
            .collect()
    }

    /// How many numbered things there are, 0, 1, 2, … without a gap.
    ///
    /// # Errors
    /// [`ReleaseError::Missing`] names the first absent one.
    pub fn count(&self, prefix: &str, suffix: &str) -> Result<usize, ReleaseError> {
        let numbers = self.numbers(prefix, suffix);
        match (0..=numbers.len()).find(|number| !numbers.contains(number)) {
            Some(absent) if absent < numbers.len() || absent == 0 => {
                Err(ReleaseError::missing(&format!("{prefix}{absent}.{suffix}*"), "numbers from 0 without a gap"))
            }
            _ => Ok(numbers.len()),
        }
    }
}
