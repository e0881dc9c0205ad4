//! The official release layout: names, configuration files, dimensions, and the plan of a conversion.
//!
//! A release is a merge of sources (the release's chunks, a base language model, a CLAP checkpoint). The caller lists
//! their tensors in a [`Catalog`]; everything else follows: [`infer`] finds every dimension, [`Plan`] says what to
//! write in which order and scheme, [`Values`] turns blocks of bytes into packed rows. No file is opened here.

mod catalog;
mod error;
mod infer;
mod names;
mod plan;
mod settings;
mod values;

pub use catalog::{Catalog, Located};
pub use error::ReleaseError;
pub use infer::infer;
pub use names::{Canonical, Origin, canonical};
pub use plan::{Plan, PlannedTensor, ShardPlan, scheme_for};
pub use settings::{InferenceSettings, LanguageModelSettings, chunk_names};
pub use values::{Values, rotary_frequencies};
