//! The buffers of a batch.

use af2_core::config::ModelConfig;
use af2_gpu::ops::BatchRow;
use af2_gpu::ops::score_rows::Score;
use af2_gpu::{Buffer, Gpu, GpuError};

use crate::scratch::PROMPT_ROWS;

/// Most rows of a pass.
pub(crate) const MOST_ROWS: usize = PROMPT_ROWS;
/// Most rows whose logits are computed at once: 16 × 607 kB in the 3B model.
pub(crate) const MOST_PICKS: usize = 16;
/// Rows of the key/value caches that the first batch allocates.
pub(crate) const FIRST_CACHE_ROWS: usize = 256;
/// What batches share, beside the scratch buffers: one per model.
pub(crate) struct Batch {
    /// Rows of the key/value caches.
    pub cache_rows: usize,
    /// A [`BatchRow`] per row.
    pub rows: Buffer,
    /// A token id per row.
    pub tokens: Buffer,
    /// The rows whose logits are computed.
    pub picks: Buffer,
    /// The token of each of them whose log-probability is wanted.
    pub targets: Buffer,
    /// The picked rows, [N, H], and after the norm.
    pub picked: Buffer,
    pub normed: Buffer,
    /// [N, V].
    pub logits: Buffer,
    /// A [`Score`] per picked row.
    pub scores: Buffer,
    /// Keys and values per layer, [cache_rows, 2, kv_heads · head_dim].
    pub kv: Vec<Buffer>,
}

impl Batch {
    pub fn new(gpu: &Gpu, config: &ModelConfig, cache_rows: usize) -> Result<Self, GpuError> {
        let text = &config.text;
        let storage = |label: &str, elements: usize| gpu.storage(label, 4 * elements as u64);
        let kv = 2 * text.num_key_value_heads * text.head_dim;
        let caches = (0..text.num_hidden_layers).map(|_| storage("batch kv cache", cache_rows * kv));
        Ok(Self {
            cache_rows,
            rows: gpu.storage("batch rows", (MOST_ROWS * size_of::<BatchRow>()) as u64)?,
            tokens: storage("batch tokens", MOST_ROWS)?,
            picks: storage("batch picks", MOST_PICKS)?,
            targets: storage("batch targets", MOST_PICKS)?,
            picked: storage("batch picked", MOST_PICKS * text.hidden_size)?,
            normed: storage("batch normed", MOST_PICKS * text.hidden_size)?,
            logits: storage("batch logits", MOST_PICKS * text.vocab_size)?,
            scores: gpu.storage("batch scores", (MOST_PICKS * size_of::<Score>()) as u64)?,
            kv: caches.collect::<Result<_, _>>()?,
        })
    }
}
