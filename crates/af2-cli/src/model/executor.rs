//! Runs the portable crates' futures: they depend on the GPU alone, so polling the device makes them progress.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;

use af2_gpu::{Gpu, GpuError, GpuOptions};

/// Opens the default adapter, or the one whose name contains `adapter`.
///
/// # Errors
/// There is no such adapter, or it gives no device.
pub fn open_gpu(adapter: Option<&str>) -> Result<Gpu, GpuError> {
    let options = GpuOptions { adapter: adapter.map(str::to_owned), ..GpuOptions::default() };
    let opened = quietly(|| pollster::block_on(Gpu::open(&options)));
    let full = || GpuError::OutOfMemory { what: "the device".into(), needed: None, in_use: 0 };
    opened.unwrap_or_else(|| Err(full()))
}

/// What `work` returns; none where it panics, without a message. wgpu-hal 30 panics ("buckets are not empty") where a driver runs out
/// of memory half-way through a device.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    thread_local! { static QUIET: Cell<bool> = const { Cell::new(false) }; }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                report(panic)
            }
        }));
    });
    QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    outcome.ok()
}

/// What [`Gpu::wait`] asks for.
pub fn nap() {
    sleep(Duration::from_micros(100));
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
        // The loss ends whatever waits for the device, so the future is polled once more.
        lost = gpu.wait(nap).err();
    }
}

#[cfg(test)]
mod tests {
    use super::quietly;

    #[test]
    fn a_panic_of_the_driver_is_a_missing_result() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| -> u32 { panic!("a driver's") }), None);
    }
}
