//! Errors that wgpu reports by callback: the loss of the device, and errors of calls that no scope surrounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{GpuError, MemoryUse};

/// What one device has reported so far.
pub(crate) struct Faults {
    state: Mutex<State>,
    memory: Arc<MemoryUse>,
}

#[derive(Default)]
struct State {
    lost: Option<GpuError>,
    /// The first error since the last check.
    error: Option<GpuError>,
}

/// How wgpu describes a device that it gave up because the driver was out of memory.
const LOST_BY_MEMORY: &str = "Out of memory";

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock only means that a callback panicked; the guarded value is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faults {
    /// Listens to a device.
    pub fn watch(device: &wgpu::Device, memory: &Arc<MemoryUse>) -> Arc<Self> {
        let faults = Arc::new(Self { state: Mutex::default(), memory: memory.clone() });
        let listener = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| listener.uncaptured(&error)));
        let listener = faults.clone();
        device.set_device_lost_callback(move |_, message| drop(listener.lose(&message)));
        faults
    }

    /// # Errors
    /// The device is lost.
    pub fn lost(&self) -> Result<(), GpuError> {
        lock(&self.state).lost.clone().map_or(Ok(()), Err)
    }

    /// # Errors
    /// The device is lost, or reported an error since the last call.
    pub fn check(&self) -> Result<(), GpuError> {
        let mut state = lock(&self.state);
        let error = state.lost.clone().or_else(|| state.error.take());
        error.map_or(Ok(()), Err)
    }

    /// Remembers the first reason, and returns it.
    pub fn lose(&self, reason: &str) -> GpuError {
        let error = match reason {
            LOST_BY_MEMORY => self.out_of_memory(),
            _ => GpuError::DeviceLost(reason.into()),
        };
        lock(&self.state).lost.get_or_insert(error).clone()
    }

    fn uncaptured(&self, error: &wgpu::Error) {
        let error = match error {
            wgpu::Error::OutOfMemory { .. } => self.out_of_memory(),
            other => GpuError::Validation(other.to_string()),
        };
        lock(&self.state).error.get_or_insert(error);
    }

    fn out_of_memory(&self) -> GpuError {
        GpuError::OutOfMemory {
            what: "a command, a kernel or a buffer".into(),
            needed: None,
            in_use: self.memory.bytes(),
        }
    }
}
