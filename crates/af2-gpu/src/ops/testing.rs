//! Shared by the kernels' tests: one device, repeatable random numbers, the error measure.

use std::sync::OnceLock;

use af2_core::weights::Scheme;

use crate::{Buffer, Gpu, GpuError, GpuOptions, Kernels, MatrixShape, MatvecSizes, PlanBuilder, Tuning};

/// The device of this test process. A missing adapter fails the test: nothing is skipped.
pub(crate) fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| {
        pollster::block_on(Gpu::open(&GpuOptions::default())).expect("an adapter; install mesa-vulkan-drivers")
    })
}

pub(crate) use crate::measure::self_test::random;

pub(crate) fn upload<T: bytemuck::NoUninit>(values: &[T]) -> Buffer {
    gpu().storage_with("test", values).expect("a buffer")
}

/// Padded to whole quads with values that the kernel must ignore.
pub(crate) fn quads(values: &[f32]) -> Vec<f32> {
    let mut filled = values.to_vec();
    filled.resize(values.len().next_multiple_of(4), 1e30);
    filled
}

/// What no kernel may turn into a finite number.
pub(crate) const TAINTS: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

/// Runs what `build` appends to a plan and returns `out` as float32.
pub(crate) fn run(out: &Buffer, build: impl FnOnce(&mut PlanBuilder) -> Result<(), GpuError>) -> Vec<f32> {
    run_tuned(gpu().kernels().clone(), out, build)
}

/// The defaults of hardware GPUs and software adapters.
pub(crate) const TUNINGS: [Tuning; 2] = [Tuning::HARDWARE, Tuning::SOFTWARE];

/// Sizes of the staged matvec: every number of rows per thread, of threads per row and of steps ahead, with and without parts.
pub(crate) const STAGED: [MatvecSizes; 9] = [
    sizes(8, 64, 64, 1, 1),
    sizes(16, 64, 32, 1, 1),
    sizes(4, 64, 32, 2, 1),
    sizes(32, 64, 4, 4, 1),
    sizes(16, 64, 4, 8, 1),
    sizes(64, 64, 4, 2, 1),
    sizes(2, 32, 16, 2, 2),
    sizes(8, 32, 4, 1, 7),
    sizes(32, 32, 8, 1, 3),
];

const fn sizes(rows: u32, threads: u32, slices: u32, ahead: u32, parts: u32) -> MatvecSizes {
    MatvecSizes { rows, threads, slices, ahead, parts }
}

/// A staged matvec divided like this.
pub(crate) fn divided(shape: MatrixShape, sizes: MatvecSizes) -> Kernels {
    let mut kernels = Kernels::from(Tuning::HARDWARE);
    kernels.set(shape, sizes);
    kernels
}

/// The defaults; for a matrix of 4 bits also one of [`STAGED`] in one part and one in several, if they can be used for it.
pub(crate) fn kernels_for(shape: MatrixShape) -> Vec<Kernels> {
    let forced = [STAGED[3], STAGED[7]].into_iter().filter(|sizes| shape.scheme == Scheme::Q4 && sizes.fit(shape));
    TUNINGS.into_iter().map(Kernels::from).chain(forced.map(|sizes| divided(shape, sizes))).collect()
}

/// [`run`] with given kernels.
pub(crate) fn run_tuned(
    kernels: impl Into<Kernels>,
    out: &Buffer,
    build: impl FnOnce(&mut PlanBuilder) -> Result<(), GpuError>,
) -> Vec<f32> {
    let mut plan = PlanBuilder::new(&gpu().tuned(kernels), "test", None);
    build(&mut plan).expect("a valid dispatch");
    let plan = plan.finish().expect("a plan");
    gpu().run(&[&plan]);
    wait(gpu().read_all(out)).expect("a result")
}

/// Drives a future that waits for the GPU.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        gpu().wait(|| std::thread::sleep(std::time::Duration::from_micros(100))).expect("a working device");
    }
}

/// Fails when the normalised mean square error is above `limit`: sum (a - b)^2 / sum b^2.
pub(crate) fn assert_close(what: &str, found: &[f32], expected: &[f64], limit: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let nmse = crate::measure::self_test::normalised_error(found, expected);
    assert!(nmse <= limit, "{what}: normalised mean square error {nmse:.2e} is above {limit:.0e}");
}

/// Exact GELU in float64 through a series and continued fraction good to 1e-12.
pub(crate) fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))
}

fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}
