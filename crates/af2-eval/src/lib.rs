//! Benchmarks of audio question answering: their files, prompts, scoring rules and reports.
//!
//! Knows no engine: the caller answers the items, this crate reads, asks and scores.
//!
//! ```text
//! data set ── benchmarks ──► items ── template ──► prompts ── (an engine) ──► predictions ── rules ──► figures ──► report
//! ```

pub mod benchmarks;
pub mod comparison;
mod data_dir;
pub mod demo;
mod error;
mod export;
mod item;
pub mod metrics;
mod predictions;
mod prepare;
mod report;
mod reported;
mod rule;
mod scores;
mod table;
mod template;
mod text_table;

pub use benchmarks::Benchmark;
pub use data_dir::DataDir;
pub use error::EvalError;
pub use export::Export;
pub use item::{Asked, Item};
pub use predictions::{Measured, Place, Prediction, Predictions, Weighed, WeighedOption};
pub use prepare::{prepare, spread};
pub use report::{Failure, Report, Run};
pub use reported::{Reported, reported};
pub use rule::{Rule, Verdict};
pub use scores::{CaptionScores, Figure, GroupScore, ScoredItem, Scores};
pub use template::Template;
