//! What can be wrong with a release.

use af2_core::config::ConfigError;
use af2_core::weights::safetensors::Dtype;
use af2_core::weights::{Scheme, SchemeError};
use thiserror::Error;

use super::names::Origin;

/// Why a release cannot be converted.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReleaseError {
    /// A tensor that no checkpoint has.
    #[error("tensor `{tensor}` is missing (expected {expected}): {hint}")]
    Missing {
        /// Canonical name.
        tensor: String,
        /// Expected shape.
        expected: String,
        /// Where it may come from.
        hint: &'static str,
    },
    /// A tensor whose shape does not match the others.
    #[error("tensor `{tensor}` has shape {found:?}, expected {expected}")]
    Shape {
        /// Canonical name.
        tensor: String,
        /// Shape found.
        found: Vec<usize>,
        /// Expected shape, with the reason.
        expected: String,
    },
    /// A used tensor that does not hold real numbers.
    #[error("tensor `{tensor}` has element type {found:?}, expected F32, F16, BF16 or F64")]
    Dtype {
        /// Canonical name.
        tensor: String,
        /// Type found.
        found: Dtype,
    },
    /// NaN or an infinity.
    #[error("tensor `{tensor}` holds {value} at element {index}, expected finite numbers: the checkpoint is damaged")]
    NotFinite {
        /// Canonical name.
        tensor: String,
        /// Flat index of the first one.
        index: u64,
        /// NaN, inf or -inf.
        value: f32,
    },
    /// A weight no half-precision number can hold.
    #[error("tensor `{tensor}` holds {value} at element {index}, which {scheme} cannot store; use --weights f32")]
    TooLarge {
        /// Canonical name.
        tensor: String,
        /// Flat index of the first one.
        index: u64,
        /// Its value.
        value: f32,
        /// The scheme asked for.
        scheme: Scheme,
    },
    /// A value of a configuration file that contradicts the tensors or is not supported.
    #[error("{file}: {reason}")]
    Settings {
        /// File name.
        file: &'static str,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// The inferred configuration is not a possible one.
    #[error("inferred {0}")]
    Config(#[from] ConfigError),
    /// A matrix could not be packed.
    #[error("tensor `{tensor}`: {error}")]
    Pack {
        /// Canonical name.
        tensor: String,
        /// Why.
        error: SchemeError,
    },
}

impl ReleaseError {
    /// A missing tensor, with the checkpoints it may come from.
    pub(super) fn missing(tensor: &str, expected: impl Into<String>) -> Self {
        let hint = match Origin::of(tensor) {
            Origin::Clap => "the release has none; pass the CLAP checkpoint with --clap",
            Origin::LanguageModel => "the release has none; pass the base language model with its weights with --lm",
            Origin::Release => "the release has none, and it can come from nowhere else",
        };
        ReleaseError::Missing { tensor: tensor.into(), expected: expected.into(), hint }
    }
}
