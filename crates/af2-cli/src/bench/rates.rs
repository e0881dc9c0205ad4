//! What the device reaches when it does one thing only: the yardsticks of the bench.

use std::time::Instant;

use af2_core::weights::Scheme;
use af2_gpu::ops::Epilogue;
use af2_gpu::ops::matmul::matmul;
use af2_gpu::{Gpu, GpuError, Matrix, Plan, PlanBuilder};
use anyhow::Result;
use serde::Serialize;

use crate::executor::drive;

/// Bytes copied at a time, where the device allows them.
const COPY: u64 = 64 << 20;
/// Side of the matrices that are multiplied: on chips, and on programs, which are a thousand times slower.
const PRODUCT: usize = 2048;
const SMALL_PRODUCT: usize = 384;
/// A measurement repeats its work until this many seconds have passed.
const ENOUGH: f64 = 0.25;

/// Measured limits of a device.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    /// Bytes read and written per second by a copy from buffer to buffer.
    pub copy_bytes_per_second: f64,
    /// Floating-point operations per second of a large product with float16 weights, by the engine's own kernel.
    pub product_flops_per_second: f64,
}

impl Rates {
    /// Measures both.
    ///
    /// # Errors
    /// The device failed.
    pub fn measure(gpu: &Gpu) -> Result<Self> {
        Ok(Self { copy_bytes_per_second: copy(gpu)?, product_flops_per_second: product(gpu)? })
    }
}

fn copy(gpu: &Gpu) -> Result<f64> {
    let bytes = COPY.min(gpu.max_binding_bytes()) / 4 * 4;
    let (from, to) = (gpu.storage("copied", bytes)?, gpu.storage("copy", bytes)?);
    let nothing = PlanBuilder::new(gpu, "nothing", None).finish()?;
    let seconds = repeat(gpu, || gpu.run_then_copy(&nothing, &from, &to, 0, bytes))?;
    Ok(2.0 * bytes as f64 / seconds)
}

fn product(gpu: &Gpu) -> Result<f64> {
    let side = if gpu.facts().software { SMALL_PRODUCT } else { PRODUCT };
    let plan = drive(gpu, gpu.scoped("the product", || product_plan(gpu, side)))??;
    let seconds = repeat(gpu, || gpu.run(&[&plan]))?;
    Ok(plan.facts().flops as f64 / seconds)
}

fn product_plan(gpu: &Gpu, side: usize) -> Result<Plan, GpuError> {
    let bytes = (4 * side * side) as u64;
    let (x, out) = (gpu.storage("x", bytes)?, gpu.storage("out", bytes)?);
    let weights: Vec<f32> = (0..side * side).map(|i| (i % 97) as f32 / 97.0).collect();
    let matrix = Matrix::from_f32(gpu, "w", Scheme::F16, side, side, &weights)?;
    let mut plan = PlanBuilder::new(gpu, "product", None);
    matmul(&mut plan, "product", &x, &matrix, &out, side, &Epilogue::default())?;
    plan.finish()
}

/// Seconds per run, after one that does not count.
fn repeat(gpu: &Gpu, work: impl Fn()) -> Result<f64> {
    work();
    drive(gpu, gpu.idle())??;
    let (start, mut runs) = (Instant::now(), 0);
    while runs == 0 || start.elapsed().as_secs_f64() < ENOUGH {
        work();
        drive(gpu, gpu.idle())??;
        runs += 1;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(runs))
}
