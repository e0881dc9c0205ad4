//! One sequence, or the sequences of a batch, as the plans of the decoder see them.

use af2_gpu::Buffer;

/// What the rows of a pass belong to.
#[derive(Clone, Copy)]
pub(crate) enum Sequences<'a> {
    /// Consecutive tokens of the scratch's one sequence.
    One,
    /// Tokens of the sequences of a batch.
    Batch(BatchAttention<'a>),
}

/// Where the rows of a batch are, and what they attend to.
#[derive(Clone, Copy)]
pub(crate) struct BatchAttention<'a> {
    /// A [`af2_gpu::ops::BatchRow`] per row.
    pub rows: &'a Buffer,
    /// Keys and values per layer, [cache rows, 2, kv_heads · head_dim].
    pub kv: &'a [Buffer],
    /// Collects how much each row attends to each audio token, [rows, heads, T].
    pub relevance: Option<&'a Buffer>,
}
