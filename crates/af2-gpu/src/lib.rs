//! A small WebGPU engine: adapter and limits, counted buffers, kernels from `shaders/`, recorded plans, readback.
//!
//! The engine knows nothing of Audio Flamingo. A [`Plan`] is a list of dispatches built once and run as one compute pass and one
//! submit; an op of [`ops`] appends one dispatch to a plan. Nothing here waits: every readback is a future that completes when
//! somebody polls the device (the browser's event loop, or [`Gpu::wait`] on the desktop).

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
