//! Asynchronous reads from the GPU.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_channel::oneshot;

use crate::{Buffer, Gpu, GpuError};

/// A read in flight: a staging buffer that is being mapped.
#[derive(Debug)]
pub struct Mapping {
    gpu: Gpu,
    staging: Buffer,
    bytes: u64,
    mapped: oneshot::Receiver<MapResult>,
    /// What came of the request, once [`Mapping::is_ready`] has found it.
    answer: Option<MapResult>,
}

type MapResult = Result<(), wgpu::BufferAsyncError>;

impl Mapping {
    /// Whether the GPU has written the bytes, as far as the device was polled.
    pub fn is_ready(&mut self) -> bool {
        if self.answer.is_none() {
            self.answer = self.mapped.try_recv().ok().flatten();
        }
        self.answer.is_some()
    }

    /// The bytes, once the GPU has written them. The staging buffer can be used again afterwards.
    ///
    /// # Errors
    /// The device was lost, or reported an error since the last call.
    pub async fn bytes(mut self) -> Result<Vec<u8>, GpuError> {
        let mapped = poll_fn(|context| match self.gpu.lost() {
            Err(lost) => Poll::Ready(Err(lost)), // a lost device need not answer
            Ok(()) => match self.answer.take() {
                Some(answer) => Poll::Ready(Ok(Ok(answer))),
                None => Pin::new(&mut self.mapped).poll(context).map(Ok),
            },
        });
        let mapped = mapped.await?.map_err(|_| GpuError::Readback("the request was dropped".into()))?;
        self.gpu.check()?;
        // Nothing here unmaps or destroys a buffer that is being mapped: only a loss is left.
        mapped.or_else(|_| self.gpu.lose("a result could not be read back"))?;
        let raw = self.staging.raw();
        let view = raw.get_mapped_range(0..self.bytes).map_err(|error| GpuError::Readback(error.to_string()))?;
        let copy = view.to_vec();
        drop(view);
        raw.unmap();
        Ok(copy)
    }
}

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
        self.map(&staging, bytes).bytes().await
    }

    /// Reads a whole buffer as values of type `T`.
    ///
    /// # Errors
    /// As [`Gpu::read`].
    pub async fn read_all<T: bytemuck::Pod>(&self, buffer: &Buffer) -> Result<Vec<T>, GpuError> {
        let bytes = self.read(buffer, 0, buffer.bytes()).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    /// Completes when all work submitted so far is done.
    ///
    /// # Errors
    /// The device was lost, or reported an error since the last call.
    pub async fn idle(&self) -> Result<(), GpuError> {
        self.read(self.empty(), 0, 4).await.map(drop)
    }

    /// A buffer that results can be copied to and mapped from.
    ///
    /// # Errors
    /// The device allows no buffer of this size.
    pub fn staging(&self, bytes: u64) -> Result<Buffer, GpuError> {
        self.buffer("staging", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    /// Asks for the first `bytes` bytes of a staging buffer; several requests may be in flight.
    pub fn map(&self, staging: &Buffer, bytes: u64) -> Mapping {
        let (send, mapped) = oneshot::channel();
        staging.raw().map_async(wgpu::MapMode::Read, 0..bytes, move |result| drop(send.send(result)));
        Mapping { gpu: self.clone(), staging: staging.clone(), bytes, mapped, answer: None }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{gpu, upload, wait};

    #[test]
    fn a_mapping_that_is_ready_gives_its_bytes() {
        let values = upload(&[1_u32, 2, 3]);
        let staging = gpu().staging(12).unwrap();
        let mut encoder = gpu().device().create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(values.raw(), 0, staging.raw(), 0, 12);
        gpu().queue().submit([encoder.finish()]);
        let mut mapping = gpu().map(&staging, 12);
        gpu().wait_for_all().unwrap();
        assert!(mapping.is_ready() && mapping.is_ready(), "asked twice");
        let bytes = wait(mapping.bytes()).unwrap();
        assert_eq!(bytemuck::pod_collect_to_vec::<u8, u32>(&bytes), [1, 2, 3]);
    }
}
