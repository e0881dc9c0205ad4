//! The device's limits as the report shows them.

use std::time::Instant;

use af2_gpu::Gpu;
use anyhow::Result;
use serde::Serialize;

use crate::model::drive;

/// Measured limits of a device.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rates {
    /// Bytes read and written per second by a copy from buffer to buffer.
    pub copy_bytes_per_second: f64,
    /// Floating-point operations per second of a large matmul with float16 weights, by the engine's own kernel.
    pub matmul_flops_per_second: f64,
}

impl Rates {
    /// Measures both.
    ///
    /// # Errors
    /// The device failed.
    pub fn measure(gpu: &Gpu) -> Result<Self> {
        let start = Instant::now();
        let now = || start.elapsed().as_secs_f64();
        let af2_gpu::Rates { copy_bytes_per_second, matmul_flops_per_second } = drive(gpu, gpu.measure_rates(&now))??;
        Ok(Self { copy_bytes_per_second, matmul_flops_per_second })
    }
}
