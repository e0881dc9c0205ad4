//! Random choice of a token.

use crate::plan::params;
use crate::shader::sample as kernels;
use crate::{Buffer, Dispatch, Gpu, GpuError, PlanBuilder};

params! {
    SampleParams { vocab: u32, rows: u32 }
}

/// The settings of a draw, as the kernel reads them.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Sampling {
    /// Divides the logits; above 0.
    pub temperature: f32,
    /// Smallest set of tokens whose probability reaches this; 1 for all.
    pub top_p: f32,
    /// Least probability relative to the most likely token; 0 for any.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of tokens already seen; 1 for none.
    pub repetition_penalty: f32,
    /// Number of tokens kept, ties included; 0 for all.
    pub top_k: u32,
    /// Keeps the struct a multiple of 16 bytes.
    pub padding: [u32; 3],
}

impl Sampling {
    /// A uniform buffer for the settings.
    ///
    /// # Errors
    /// The device allows no such buffer.
    pub fn buffer(gpu: &Gpu) -> Result<Buffer, GpuError> {
        gpu.buffer("sampling", size_of::<Self>() as u64, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST)
    }
}

/// What [`sample`] reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct SampleBuffers<'a> {
    /// Logits \[vocab\].
    pub logits: &'a Buffer,
    /// A [`Sampling`].
    pub sampling: &'a Buffer,
    /// One bit per token of the prompt or the answer so far, [vocab / 32 rounded up] u32; the drawn token is added.
    pub seen: &'a Buffer,
    /// Token ids of all slots.
    pub sequence: &'a Buffer,
    /// The step.
    pub step: &'a Buffer,
}

/// Draws a token by the settings, appends it to the step's sequence and advances the step by `rows`.
///
/// # Errors
/// The device allows no such grid.
pub fn sample(plan: &mut PlanBuilder, buffers: SampleBuffers<'_>, vocab: usize, rows: usize) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "sample".into(),
        shader: &kernels::SAMPLE,
        constants: &[("THREADS", 256.0)],
        params: SampleParams { vocab: vocab as u32, rows: rows as u32 },
        buffers: &[
            ("logits", buffers.logits),
            ("sampling", buffers.sampling),
            ("seen", buffers.seen),
            ("sequence", buffers.sequence),
            ("step", buffers.step),
        ],
        groups: [1, 1, 1],
        weight_bytes: 0,
    })
}
