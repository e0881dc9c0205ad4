//! Every intermediate of one question, under the names that reference files use.

/// A named intermediate, float32.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceTensor {
    /// Name, for example `swin_stage0`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Everything that answering one question computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Intermediates in order of computation.
    pub tensors: Vec<TraceTensor>,
    /// The new tokens, greedy.
    pub new_ids: Vec<u32>,
    /// Logits that chose each of them.
    pub step_logits: Vec<Vec<f32>>,
}
