//! Runs the portable crates' futures: they depend on the GPU alone, so polling the device makes them progress.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use af2_gpu::{Gpu, GpuError, GpuOptions};

/// Opens the default adapter, or the one whose name contains `adapter`.
///
/// # Errors
/// There is no such adapter, or it gives no device.
pub fn open_gpu(adapter: Option<&str>) -> Result<Gpu, GpuError> {
    let options = GpuOptions { adapter: adapter.map(str::to_owned), ..GpuOptions::default() };
    pollster::block_on(Gpu::open(&options))
}

/// Runs a future to its end.
///
/// # Errors
/// The device was lost and the future did not end by itself.
pub fn drive<T>(gpu: &Gpu, future: impl Future<Output = T>) -> Result<T, GpuError> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut lost = None;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        if let Some(error) = lost {
            return Err(error);
        }
        // A lost device answers every request first, so the future is polled once more.
        lost = gpu.wait().err();
    }
}
