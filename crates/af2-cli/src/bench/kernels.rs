//! Timed kernels beside the device's limits.

use af2_gpu::Span;
use serde::Serialize;

use super::rates::Rates;

/// The time and work of one kernel in one run of a part.
#[derive(Debug, Clone, Serialize)]
pub struct Kernel {
    /// Family and name.
    pub name: &'static str,
    /// Dispatches.
    pub count: usize,
    /// Time on the GPU.
    pub microseconds: f64,
    /// Share of the part's time.
    pub share: f64,
    /// Bytes of weights read.
    pub weight_bytes: u64,
    /// Floating-point operations of matmuls.
    pub flops: u64,
    /// Weight bytes per second over what the device copies per second; none for kernels without weights.
    pub of_copy: Option<f64>,
    /// Operations per second over what the device reaches in one large matmul; none for kernels without matmuls.
    pub of_matmul: Option<f64>,
}

/// The kernels of a part, the longest first.
pub fn by_kernel(spans: &[Span], rates: Rates) -> Vec<Kernel> {
    let kernels = af2_gpu::by_kernel(spans);
    let total: f64 = kernels.iter().map(|kernel| kernel.microseconds).sum();
    let fraction = |amount: u64, microseconds: f64, rate: f64| {
        (amount > 0 && microseconds > 0.0).then(|| amount as f64 / (microseconds / 1e6) / rate)
    };
    let beside = |kernel: &af2_gpu::KernelTime| Kernel {
        name: kernel.name,
        count: kernel.count,
        microseconds: kernel.microseconds,
        share: kernel.microseconds / total,
        weight_bytes: kernel.weight_bytes,
        flops: kernel.flops,
        of_copy: fraction(kernel.weight_bytes, kernel.microseconds, rates.copy_bytes_per_second),
        of_matmul: fraction(kernel.flops, kernel.microseconds, rates.matmul_flops_per_second),
    };
    kernels.iter().map(beside).collect()
}
