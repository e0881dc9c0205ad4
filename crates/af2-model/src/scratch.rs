//! The decoder's activations, caches and sampling state on the GPU.
//!
//! One set of buffers serves the plans for prompts, tokens and heads. For the 3B model (H 2048, F 11008, V 151669) with prompts of up to R
//! tokens, a capacity of C tokens and one slot: R × 175 KB of activations, 36 × C × 2 KB of keys and values, 607 KB of logits.

use af2_core::config::ModelConfig;
use af2_core::engine::MOST_TOP_LOGPROBS;
use af2_gpu::ops::Step;
use af2_gpu::ops::attention_split::partial_bytes;
use af2_gpu::ops::sample::Sampling;
use af2_gpu::ops::top_logprobs::TOP_ENTRY_BYTES;
use af2_gpu::{Buffer, Gpu, GpuError};

/// Most tokens that one pass takes.
pub(crate) const PROMPT_ROWS: usize = 64;

/// Activations for up to `rows` tokens at a time, and the state of the sequences being decoded.
pub(crate) struct Scratch {
    /// Tokens that a slot of the caches and of the sequence holds.
    pub capacity: usize,
    /// Sequences decoded together: one per beam.
    pub slots: usize,
    /// Most audio tokens of a clip.
    pub audio_tokens: usize,
    /// V, rows of the embedding.
    vocab: usize,
    /// The residual stream, [rows, H].
    pub x: Buffer,
    /// `x` after a norm, [rows, H].
    pub normed: Buffer,
    /// Queries of a cross-attention, [rows, heads · head_dim], or of one token's self-attention.
    pub q: Buffer,
    /// q, k and v of a prompt, [rows, (heads + 2 kv_heads) · head_dim].
    pub qkv: Buffer,
    /// Output of an attention, [rows, heads · head_dim].
    pub attended: Buffer,
    /// Feed-forward activations of a decoder layer, [rows, F], or of a cross-attention block, [rows, 4H].
    pub inner: Buffer,
    /// Gate and up projections of a prompt, [rows, 2F].
    pub gate_up: Buffer,
    /// Partial results of one token's attention; see [`partial_bytes`].
    pub partial: Buffer,
    /// Logits of the last token, \[V\] padded to whole quads.
    pub logits: Buffer,
    /// Token ids, [slots · capacity].
    pub sequence: Buffer,
    /// Log-probabilities of the answers' tokens, [slots · capacity].
    pub logprobs: Buffer,
    /// The most likely tokens of the last step with their log-probabilities.
    pub top: Buffer,
    /// Keys and values per layer, [slots · capacity, 2, kv_heads · head_dim].
    pub kv: Vec<Buffer>,
    /// Tokens of the prompt and the answer so far, one bit per token of the vocabulary.
    pub seen: Buffer,
    /// Sampling settings.
    pub sampling: Buffer,
    /// Position and seed of the sequence being decoded.
    pub step: Buffer,
}

impl Scratch {
    /// For prompts of up to `rows` tokens, `slots` sequences of `capacity` tokens, and clips of up to `audio_tokens` tokens.
    pub fn new(
        gpu: &Gpu,
        config: &ModelConfig,
        rows: usize,
        capacity: usize,
        slots: usize,
        audio_tokens: usize,
    ) -> Result<Self, GpuError> {
        let (text, cross) = (&config.text, &config.cross_attention);
        let storage = |label: &str, elements: usize| gpu.storage(label, 4 * elements as u64);
        let (q, kv) = (text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim);
        let widest = q.max(cross.inner_dim());
        let own = partial_bytes(text.num_attention_heads, text.head_dim, capacity);
        let audio = partial_bytes(cross.num_heads, cross.head_dim, audio_tokens);
        let caches = (0..text.num_hidden_layers).map(|_| storage("kv cache", slots * capacity * 2 * kv));
        Ok(Self {
            capacity,
            slots,
            audio_tokens,
            vocab: text.vocab_size,
            x: storage("x", rows * text.hidden_size)?,
            normed: storage("normed", rows * text.hidden_size)?,
            q: storage("q", quads(rows * widest))?,
            qkv: storage("qkv", quads(rows * (q + 2 * kv)))?,
            attended: storage("attended", rows * widest)?,
            inner: storage("inner", rows * text.intermediate_size.max(cross.ff_inner))?,
            gate_up: storage("gate and up", rows * 2 * text.intermediate_size)?,
            partial: gpu.storage("attention partial", own.max(audio))?,
            logits: storage("logits", quads(text.vocab_size))?,
            sequence: storage("sequence", slots * capacity)?,
            logprobs: storage("logprobs", slots * capacity)?,
            top: gpu.storage("top logprobs", TOP_ENTRY_BYTES * MOST_TOP_LOGPROBS as u64)?,
            kv: caches.collect::<Result<_, _>>()?,
            seen: storage("seen", text.vocab_size.div_ceil(32))?,
            sampling: Sampling::buffer(gpu)?,
            step: Step::buffer(gpu)?,
        })
    }

    /// The logits of the last token, \[V\].
    pub async fn read_logits(&self, gpu: &Gpu) -> Result<Vec<f32>, GpuError> {
        let bytes = gpu.read(&self.logits, 0, 4 * self.vocab as u64).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}

/// Elements of a buffer that a kernel reads as vec4.
fn quads(elements: usize) -> usize {
    elements.next_multiple_of(4)
}
