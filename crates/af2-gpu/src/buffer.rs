//! Counted buffers: a model can prove that it allocates nothing while it runs and leaks nothing when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Live buffers and textures of one device and their bytes.
#[derive(Debug, Default)]
pub struct MemoryUse {
    buffers: AtomicU64,
    bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

impl MemoryUse {
    /// Live buffers and textures.
    pub fn buffers(&self) -> u64 {
        self.buffers.load(Ordering::Relaxed)
    }

    /// Bytes of them.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The most bytes alive at any time so far.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.buffers.fetch_add(1, Ordering::Relaxed);
        let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak_bytes.fetch_max(now, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, bytes: u64) {
        self.buffers.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Counted {
    raw: wgpu::Buffer,
    bytes: u64,
    memory: Arc<MemoryUse>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        // Freed now rather than with the last bind group: GPU memory is scarce.
        self.raw.destroy();
        self.memory.remove(self.bytes);
    }
}

/// A GPU buffer, shared by reference counting; freed with the last clone.
#[derive(Debug, Clone)]
pub struct Buffer(Arc<Counted>);

impl Buffer {
    pub(crate) fn new(raw: wgpu::Buffer, memory: &Arc<MemoryUse>) -> Self {
        let bytes = raw.size();
        memory.add(bytes);
        Self(Arc::new(Counted { raw, bytes, memory: memory.clone() }))
    }

    /// Size in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// The wgpu buffer.
    pub fn raw(&self) -> &wgpu::Buffer {
        &self.0.raw
    }
}
