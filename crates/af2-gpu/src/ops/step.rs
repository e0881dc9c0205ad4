//! The state that changes between decoded tokens.

use crate::{Buffer, Gpu, GpuError};

/// Position and seed of the sequence being decoded. It stays on the GPU and is advanced there.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Step {
    /// Position of the first token of the pass.
    pub position: u32,
    /// First cache row and first sequence entry of this sequence; one slot per beam.
    pub slot_base: u32,
    /// Tokens this sequence may hold in all.
    pub length: u32,
    /// Low half of the sampling seed.
    pub seed_lo: u32,
    /// High half of the sampling seed.
    pub seed_hi: u32,
    /// Position of the first generated token; random numbers are counted from here.
    pub prompt_length: u32,
    /// Pads the struct to a multiple of 16 bytes.
    pub padding: [u32; 2],
}

impl Step {
    /// A buffer for a step: a uniform of most kernels, storage of those that end a step.
    ///
    /// # Errors
    /// The device allows no such buffer.
    pub fn buffer(gpu: &Gpu) -> Result<Buffer, GpuError> {
        use wgpu::BufferUsages as Usage;
        let usage = Usage::UNIFORM | Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        gpu.buffer("step", size_of::<Self>() as u64, usage)
    }
}
