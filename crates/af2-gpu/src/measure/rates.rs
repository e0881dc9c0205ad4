//! Peak rates of a device, measured with one kind of work at a time: what the times of a model are compared with.

use af2_core::weights::Scheme;

use crate::ops::Epilogue;
use crate::ops::matmul::{Matmul, matmul};
use crate::{Gpu, GpuError, Matrix, Plan, PlanBuilder};

/// Bytes copied at a time, where the device allows them.
const COPY: u64 = 64 << 20;
/// Side of the multiplied matrices on hardware GPUs.
const SIDE: usize = 2048;
/// The same on software adapters, which are a thousand times slower.
const SOFTWARE_SIDE: usize = 384;
/// A measurement repeats its work until this many seconds have passed.
const ENOUGH: f64 = 0.25;

/// Measured limits of a device.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Bytes read and written per second by a copy from buffer to buffer.
    pub copy_bytes_per_second: f64,
    /// Floating-point operations per second of a large matmul with float16 weights, by the engine's own kernel.
    pub matmul_flops_per_second: f64,
}

impl Gpu {
    /// Measures both; `now` is a clock in seconds.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn measure_rates(&self, now: &dyn Fn() -> f64) -> Result<Rates, GpuError> {
        let bytes = COPY.min(self.max_binding_bytes()) / 4 * 4;
        let copy = {
            let (from, to) = (self.storage("copied", bytes)?, self.storage("copy", bytes)?);
            let nothing = PlanBuilder::new(self, "nothing", None).finish()?;
            self.repeat(now, || self.run_then_copy(&nothing, &from, &to, 0, bytes)).await?
        };
        let side = if self.info().software { SOFTWARE_SIDE } else { SIDE };
        let plan = self.scoped("the matmul", || self.square_matmul(side)).await?;
        let matmul = self.repeat(now, || self.run(&[&plan])).await?;
        Ok(Rates {
            copy_bytes_per_second: 2.0 * bytes as f64 / copy,
            matmul_flops_per_second: plan.info().flops as f64 / matmul,
        })
    }

    fn square_matmul(&self, side: usize) -> Result<Plan, GpuError> {
        let bytes = (4 * side * side) as u64;
        let (x, out) = (self.storage("x", bytes)?, self.storage("out", bytes)?);
        let weights: Vec<f32> = (0..side * side).map(|i| (i % 97) as f32 / 97.0).collect();
        let matrix = Matrix::from_f32(self, "w", Scheme::F16, side, side, &weights)?;
        let mut plan = PlanBuilder::new(self, "matmul", None);
        matmul(&mut plan, "matmul", Matmul { x: &x, w: &matrix, out: &out, rows: side }, &Epilogue::default())?;
        plan.finish()
    }

    /// Seconds per run, after one run to warm up.
    async fn repeat(&self, now: &dyn Fn() -> f64, work: impl Fn()) -> Result<f64, GpuError> {
        work();
        self.idle().await?;
        let (start, mut runs) = (now(), 0);
        while runs == 0 || now() - start < ENOUGH {
            work();
            self.idle().await?;
            runs += 1;
        }
        Ok((now() - start) / f64::from(runs))
    }
}
