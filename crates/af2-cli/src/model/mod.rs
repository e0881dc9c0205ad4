//! A converted model: the reader of its directory, and the two engines that answer with it behind one trait.
//!
//! The CPU engine is the feature `cpu`, on by default; without it [`load`] and [`Baseline`] say in one line that it is missing.

mod baseline;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(not(feature = "cpu"))]
#[path = "no_cpu.rs"]
mod cpu;
mod dir;
mod engine;
mod error;
mod executor;
mod files;
mod gpu;
mod load;
#[cfg(feature = "cpu")]
mod memory;
mod named;
mod recovery;
mod tuning;

pub use baseline::{Baseline, Measurement};
pub use cpu::CPU_NAME;
pub use dir::ModelDir;
pub use engine::{Engine, Heard};
pub use error::ModelDirError;
pub use executor::{drive, open_gpu};
pub use files::ModelFiles;
pub use gpu::Session;
pub use load::{EngineChoice, load};
pub use named::models_folder;
pub use recovery::is_lost;
pub use tuning::{TuningFile, matrix_shapes, measure_kernels, tuned};
