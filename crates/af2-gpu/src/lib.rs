//! A small WebGPU engine: adapter and limits, counted buffers, kernels from `shaders/`, recorded plans, readback.
//!
//! The engine knows nothing of Audio Flamingo. A [`Plan`] is a list of dispatches, built once and run as one compute pass and one
//! submit; an op of [`ops`] appends its dispatches to a plan. Nothing here blocks: every readback is a future that completes when
//! the device is polled, by the browser's event loop or by [`Gpu::wait`] on the desktop.
//!
//! ```no_run
//! use af2_gpu::ops::layer_norm::NormBuffers;
//! use af2_gpu::ops::rms_norm::rms_norm;
//! use af2_gpu::{Gpu, GpuError, GpuOptions, PlanBuilder};
//!
//! /// The RMS norm of two rows of four.
//! async fn norms(rows: &[f32; 8]) -> Result<Vec<f32>, GpuError> {
//!     let gpu = Gpu::open(&GpuOptions::default()).await?;
//!     let x = gpu.storage_with("x", rows)?;
//!     let weight = gpu.storage_with("weight", &[1.0_f32; 4])?;
//!     let out = gpu.storage("out", x.bytes())?;
//!     let mut plan = PlanBuilder::new(&gpu, "norms", None);
//!     rms_norm(&mut plan, "norm", NormBuffers { x: &x, norm: &weight, out: &out }, [2, 4], 1e-6)?;
//!     gpu.run(&[&plan.finish()?]);
//!     gpu.read_all(&out).await
//! }
//! ```

mod buffer;
mod choice;
mod device;
mod error;
mod experimental;
mod faults;
mod kernels;
pub mod matrix;
mod measure;
pub mod ops;
mod plan;
mod readback;
pub mod shader;
mod texels;
mod tuning;

pub use buffer::{Buffer, MemoryUse};
pub use choice::{Counts, DeviceProfile, MatrixShape, MatvecSizes, TileSizes};
pub use device::{AdapterInfo, Gpu, GpuOptions};
pub use error::GpuError;
pub use experimental::CooperativeMatrix;
pub use kernels::Kernels;
pub use matrix::{Matrix, MatrixPart};
pub use measure::{KernelTime, Rates, SelfTest, Span, by_kernel};
pub use plan::{Cost, Dispatch, Fetch, Params, Plan, PlanBuilder, PlanInfo, Tap, Taps};
pub use readback::Mapping;
pub use texels::{Texel, Texels};
pub use tuning::{InvalidTuning, MatmulKernel, MatvecKernel, Tuning};
pub use wgpu;
