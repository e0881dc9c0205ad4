//! The layout of official releases: names, configuration files, dimensions, and the plan of a conversion.
//!
//! A [`Catalog`] lists the tensors of all checkpoints. [`infer`] finds every dimension in it, [`Plan`] says what is
//! written in which order and scheme, and a [`Block`] turns bytes into packed rows.

mod block;
mod catalog;
mod error;
mod infer;
mod names;
mod plan;
mod settings;

pub use block::{Block, rotary_frequencies};
pub use catalog::{Catalog, Located};
pub use error::ReleaseError;
pub use infer::infer;
pub use names::{Canonical, Origin, canonical};
pub use plan::{Plan, PlannedTensor, ShardPlan};
pub use settings::{InferenceSettings, LanguageModelSettings, chunk_names};
