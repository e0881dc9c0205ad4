//! Bytes from the GPU to the host, without waiting.

use futures_channel::oneshot;

use crate::{Buffer, Gpu, GpuError};

impl Gpu {
    /// Reads `bytes` bytes of `buffer` from `offset`. Completes when the device is polled; both numbers are multiples of 4.
    ///
    /// # Errors
    /// The device was lost, or reported an error since the last call.
    pub async fn read(&self, buffer: &Buffer, offset: u64, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let staging = self.staging(bytes)?;
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("read") });
        encoder.copy_buffer_to_buffer(buffer.raw(), offset, staging.raw(), 0, bytes);
        self.queue().submit([encoder.finish()]);
        self.map(&staging, bytes).await
    }

    /// Reads a whole buffer as values of type `T`.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub async fn read_all<T: bytemuck::Pod>(&self, buffer: &Buffer) -> Result<Vec<T>, GpuError> {
        let bytes = self.read(buffer, 0, buffer.bytes()).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    /// A buffer that results can be copied to and mapped from.
    ///
    /// # Errors
    /// The device allows no buffer of this size.
    pub fn staging(&self, bytes: u64) -> Result<Buffer, GpuError> {
        self.buffer("staging", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    /// Maps a staging buffer, copies its first `bytes` bytes and unmaps it.
    ///
    /// # Errors
    /// The device was lost, or reported an error since the last call.
    pub async fn map(&self, staging: &Buffer, bytes: u64) -> Result<Vec<u8>, GpuError> {
        let (send, receive) = oneshot::channel();
        staging.raw().map_async(wgpu::MapMode::Read, 0..bytes, move |result| drop(send.send(result)));
        let mapped = receive.await.map_err(|_| GpuError::Readback("the request was dropped".into()))?;
        self.check()?;
        mapped.map_err(|error| GpuError::Readback(error.to_string()))?;
        let view = staging.raw().get_mapped_range(0..bytes).map_err(|error| GpuError::Readback(error.to_string()))?;
        let copy = view.to_vec();
        drop(view);
        staging.raw().unmap();
        Ok(copy)
    }
}
