//! A small WebGPU engine: adapter and limits, counted buffers, kernels from `shaders/`, recorded plans, readback.
//!
//! The engine knows nothing of Audio Flamingo. A [`Plan`] is a list of dispatches built once and run as one compute pass and one
//! submit; an op of [`ops`] appends one dispatch to a plan. Nothing here waits: every readback is a future that completes when
//! somebody polls the device (the browser's event loop, or [`Gpu::wait`] on the desktop).
//!
//! ```no_run
//! use af2_gpu::{Gpu, GpuError, GpuOptions, PlanBuilder, ops::rms_norm::rms_norm};
//!
//! /// The RMS norm of two rows of four.
//! async fn norms(rows: &[f32; 8]) -> Result<Vec<f32>, GpuError> {
//!     let gpu = Gpu::open(&GpuOptions::default()).await?;
//!     let x = gpu.storage_with("x", rows)?;
//!     let weight = gpu.storage_with("weight", &[1.0_f32; 4])?;
//!     let out = gpu.storage("out", x.bytes())?;
//!     let mut plan = PlanBuilder::new(&gpu, "norms", None);
//!     rms_norm(&mut plan, "norm", &x, &weight, &out, [2, 4], 1e-6)?;
//!     gpu.run(&[&plan.finish()?]);
//!     gpu.read_all(&out).await
//! }
//! ```

mod buffer;
mod device;
mod error;
pub mod matrix;
pub mod ops;
mod plan;
mod profile;
mod rates;
mod readback;
mod self_test;
pub mod shader;
mod tune;
mod tuning;

pub use buffer::{Buffer, MemoryUse};
pub use device::{AdapterFacts, Gpu, GpuOptions};
pub use error::GpuError;
pub use matrix::{Matrix, MatrixPart};
pub use plan::{Cost, Dispatch, Params, Plan, PlanBuilder, PlanFacts, Tap, Taps};
pub use profile::{KernelTime, Span, by_kernel};
pub use rates::Rates;
pub use readback::Mapping;
pub use self_test::SelfTest;
pub use tuning::{NoTuning, Product, RowProduct, Tuning};
pub use wgpu;
