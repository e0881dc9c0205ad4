//! The Qwen2.5 decoder with its cross-attention blocks: plans for a prompt, for one token, and for the head. The numbers are those of 3B:
//! 36 layers, 16 query heads and 2 key/value heads of 128.
//!
//! ```text
//! x [rows, 2048] ── cross-attention block
//!   ── RMS norm ── q, k, v(2048→2560) ── rotary ── cache ── attention ── o_proj(2048→2048) ──(+)──
//!   ── RMS norm ── gate, up(2048→2 · 11008) ── silu(gate) · up ── down_proj(11008→2048) ──(+)── x
//!
//! x [2048] of the last token ── RMS norm ── lm_head(2048→151669) ── logits
//! ```

use af2_core::config::ModelConfig;
use af2_gpu::ops::argmax::argmax;
use af2_gpu::ops::attention::{AttentionBuffers, AttentionShape, attention};
use af2_gpu::ops::attention_rows::{RowBuffers, attention_rows};
use af2_gpu::ops::attention_split::attention_split;
use af2_gpu::ops::cache_write::{CacheColumns, cache_write};
use af2_gpu::ops::embed::embed;
use af2_gpu::ops::layer_norm::NormBuffers;
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::matvec::{InputNorm, Matvec, Row, matvec};
use af2_gpu::ops::matvec_gate_up::matvec_gate_up;
use af2_gpu::ops::matvec_qkv::{Heads, QkvBuffers, matvec_qkv};
use af2_gpu::ops::rms_norm::rms_norm;
use af2_gpu::ops::rope::{RopeShape, rope};
use af2_gpu::ops::rope_cache::{RopeCacheBuffers, rope_cache};
use af2_gpu::ops::sample::{SampleBuffers, sample};
use af2_gpu::ops::silu_mul::silu_mul;
use af2_gpu::ops::top_logprobs::top_logprobs;
use af2_gpu::ops::{Epilogue, Store};
use af2_gpu::{Buffer, Gpu, GpuError, Plan, PlanBuilder, Taps};

use crate::cross_attention::{AudioKv, rows_block, stored_as, token_block};
use crate::scratch::Scratch;
use crate::sequences::{BatchAttention, Sequences};
use crate::weights::{CrossAttention, Decoder, DecoderLayer};

/// The decoder for one clip: its weights, the audio's keys and values, and the scratch.
pub(crate) struct DecoderPlans<'a> {
    pub gpu: &'a Gpu,
    pub config: &'a ModelConfig,
    pub weights: &'a Decoder,
    /// The audio's keys and values per layer; `None` for a layer without a cross-attention block.
    pub audio_kv: &'a [Option<Buffer>],
    /// Tokens of the clip.
    pub audio_tokens: usize,
    pub scratch: &'a Scratch,
    /// A step at position 0.
    pub origin: &'a Buffer,
}

impl DecoderPlans<'_> {
    fn eps(&self) -> f32 {
        self.config.text.rms_norm_eps
    }

    fn heads(&self) -> Heads {
        let text = &self.config.text;
        Heads { query: text.num_attention_heads, key_value: text.num_key_value_heads, width: text.head_dim }
    }

    fn audio_kv_of<'b>(&self, kv: &'b Buffer, weights: &CrossAttention) -> AudioKv<'b> {
        let cross = &self.config.cross_attention;
        let scheme = stored_as(weights.to_kv.scheme, cross.head_dim);
        AudioKv { kv, tokens: self.audio_tokens, heads: cross.num_heads, head_dim: cross.head_dim, scheme }
    }

    /// Self-attention of rows of q, `q_stride` elements apart.
    fn self_attention(&self, q_stride: usize) -> AttentionShape {
        let Heads { query, key_value, width } = self.heads();
        AttentionShape { causal: true, q_stride, ..AttentionShape::separate(query, key_value, width, 0) }
    }

    /// All layers for `rows` prompt tokens, read from the sequence at the step's position.
    pub fn prompt(&self, rows: usize, taps: Option<&Taps>) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "prompt", taps);
        let s = self.scratch;
        embed(&mut plan, &self.weights.embed_tokens, &s.sequence, &s.step, &s.x, rows)?;
        self.layers(plan, rows, Sequences::One)
    }

    /// All layers for `rows` tokens of a batch's sequences.
    pub fn batch(&self, batch: BatchAttention<'_>, tokens: &Buffer, rows: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "batch", None);
        // The tokens of a batch lie one after another, whatever sequence they belong to.
        embed(&mut plan, &self.weights.embed_tokens, tokens, self.origin, &self.scratch.x, rows)?;
        self.layers(plan, rows, Sequences::Batch(batch))
    }

    fn layers(&self, mut plan: PlanBuilder, rows: usize, sequences: Sequences<'_>) -> Result<Plan, GpuError> {
        let s = self.scratch;
        let hidden = self.config.text.hidden_size;
        plan.tap("embed", &s.x, &[1, rows, hidden])?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            if let (Some(cross), Some(kv)) = (&layer.gated_cross_attn, &self.audio_kv[index]) {
                rows_block(&mut plan, index, cross, self.audio_kv_of(kv, cross), s, rows, sequences)?;
            }
            self.rows_layer(&mut plan, index, layer, rows, sequences)?;
            plan.tap(&format!("flamingo_layer{index}"), &s.x, &[1, rows, hidden])?;
        }
        plan.finish()
    }

    fn rows_layer(
        &self,
        plan: &mut PlanBuilder,
        index: usize,
        layer: &DecoderLayer,
        rows: usize,
        sequences: Sequences<'_>,
    ) -> Result<(), GpuError> {
        let s = self.scratch;
        let shape = [rows, self.config.text.hidden_size];
        let label = |part: &str| format!("{index}.{part}");
        let add = Epilogue { store: Store::Add, ..Epilogue::default() };
        let norm = |norm| NormBuffers { x: &s.x, norm, out: &s.normed };

        rms_norm(plan, &label("input_layernorm"), norm(&layer.input_layernorm), shape, self.eps())?;
        let qkv_proj = Matmul { x: &s.normed, w: &layer.qkv_proj, out: &s.qkv, rows };
        matmul(plan, &label("qkv_proj"), qkv_proj, &Epilogue::bias(&layer.qkv_bias))?;
        self.attend(plan, index, rows, sequences)?;
        matmul(plan, &label("o_proj"), Matmul { x: &s.attended, w: &layer.o_proj, out: &s.x, rows }, &add)?;
        rms_norm(plan, &label("post_attention_layernorm"), norm(&layer.post_attention_layernorm), shape, self.eps())?;
        let gate_up_proj = Matmul { x: &s.normed, w: &layer.gate_up_proj, out: &s.gate_up, rows };
        matmul(plan, &label("gate_up_proj"), gate_up_proj, &Epilogue::default())?;
        silu_mul(plan, &label("silu_mul"), &s.gate_up, &layer.gate_up_proj, &s.inner, rows)?;
        matmul(plan, &label("down_proj"), Matmul { x: &s.inner, w: &layer.down_proj, out: &s.x, rows }, &add)
    }

    /// Positions, cache and self-attention of the rows of `s.qkv`.
    fn attend(
        &self,
        plan: &mut PlanBuilder,
        index: usize,
        rows: usize,
        sequences: Sequences<'_>,
    ) -> Result<(), GpuError> {
        let s = self.scratch;
        let heads = self.heads();
        let Heads { query, key_value, width } = heads;
        let stride = (query + 2 * key_value) * width;
        let label = |part: &str| format!("{index}.{part}");
        let (rotary, shape) = (&self.weights.rotary, self.self_attention(stride));
        match sequences {
            Sequences::One => {
                // q and k are the first heads of a row of qkv.
                let rotation = RopeShape { rows, heads: query + key_value, head_dim: width, rotated: width, stride };
                let columns = CacheColumns { rows, stride, offset: query * width, width: 2 * key_value * width };
                let kv = &s.kv[index];
                rope(plan, &label("rope"), &s.qkv, rotary, &s.step, rotation)?;
                cache_write(plan, &label("cache_write"), &s.qkv, kv, &s.step, columns)?;
                let buffers = AttentionBuffers { q: &s.qkv, kv, out: &s.attended, step: &s.step };
                attention(plan, &label("attention"), buffers, rows, shape)
            }
            Sequences::Batch(batch) => {
                let kv = &batch.kv[index];
                let buffers = RopeCacheBuffers { rotary, qkv: &s.qkv, kv, rows: batch.rows };
                rope_cache(plan, &label("rope_cache"), buffers, rows, heads)?;
                let buffers = RowBuffers { q: &s.qkv, kv, out: &s.attended, rows: batch.rows };
                attention_rows(plan, &label("attention"), buffers, rows, shape)
            }
        }
    }

    /// All layers for one token: at most 12 dispatches per layer.
    pub fn token(&self) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "token", None);
        let s = self.scratch;
        embed(&mut plan, &self.weights.embed_tokens, &s.sequence, &s.step, &s.x, 1)?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            if let (Some(cross), Some(kv)) = (&layer.gated_cross_attn, &self.audio_kv[index]) {
                token_block(&mut plan, index, cross, self.audio_kv_of(kv, cross), s)?;
            }
            self.token_layer(&mut plan, index, layer)?;
        }
        plan.finish()
    }

    fn token_layer(&self, plan: &mut PlanBuilder, index: usize, layer: &DecoderLayer) -> Result<(), GpuError> {
        let s = self.scratch;
        let heads = self.heads();
        let label = |part: &str| format!("{index}.{part}");
        let row = |buffer| Row { buffer, row: 0 };
        let add = Epilogue { store: Store::Add, ..Epilogue::default() };
        let kv = &s.kv[index];
        let buffers = QkvBuffers { bias: &layer.qkv_bias, rotary: &self.weights.rotary, q: &s.q, kv, step: &s.step };
        let norm = InputNorm::Rms(&layer.input_layernorm, self.eps());

        matvec_qkv(plan, &label("qkv_proj"), row(&s.x), norm, &layer.qkv_proj, heads, buffers)?;
        let shape = self.self_attention(heads.query * heads.width);
        let buffers = AttentionBuffers { q: &s.q, kv, out: &s.attended, step: &s.step };
        attention_split(plan, &label("attention"), buffers, &s.partial, shape, s.capacity)?;
        let o_proj = Matvec { x: row(&s.attended), norm: InputNorm::None, w: &layer.o_proj, out: &s.x };
        matvec(plan, &label("o_proj"), o_proj, &add)?;
        let norm = InputNorm::Rms(&layer.post_attention_layernorm, self.eps());
        let gate_up_proj = Matvec { x: row(&s.x), norm, w: &layer.gate_up_proj, out: &s.inner };
        matvec_gate_up(plan, &label("gate_up_proj"), gate_up_proj)?;
        let down_proj = Matvec { x: row(&s.inner), norm: InputNorm::None, w: &layer.down_proj, out: &s.x };
        matvec(plan, &label("down_proj"), down_proj, &add)
    }

    /// Final norm and head on the last of `rows` tokens.
    pub fn head(&self, rows: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "head", None);
        let s = self.scratch;
        let norm = InputNorm::Rms(&self.weights.norm, self.eps());
        let row = Row { buffer: &s.x, row: rows - 1 };
        let lm_head = Matvec { x: row, norm, w: &self.weights.lm_head, out: &s.logits };
        matvec(&mut plan, "lm_head", lm_head, &Epilogue::default())?;
        plan.finish()
    }

    /// Final norm and head on all of `rows` tokens, for taps.
    pub fn head_of_all(&self, rows: usize, taps: &Taps) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "head of all", Some(taps));
        let s = self.scratch;
        let (hidden, vocab) = (self.config.text.hidden_size, self.config.text.vocab_size);
        let logits = self.gpu.storage("logits of all", 4 * (rows * vocab) as u64)?;
        let norm = NormBuffers { x: &s.x, norm: &self.weights.norm, out: &s.normed };
        rms_norm(&mut plan, "norm", norm, [rows, hidden], self.eps())?;
        plan.tap("final_norm", &s.normed, &[1, rows, hidden])?;
        let lm_head = Matmul { x: &s.normed, w: &self.weights.lm_head, out: &logits, rows };
        matmul(&mut plan, "lm_head", lm_head, &Epilogue::default())?;
        plan.tap("logits", &logits, &[1, rows, vocab])?;
        plan.finish()
    }

    /// Greedy decoding of the token after `rows` tokens.
    pub fn argmax(&self, rows: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "argmax", None);
        let s = self.scratch;
        argmax(&mut plan, &s.logits, &s.sequence, &s.logprobs, &s.step, self.config.text.vocab_size, rows)?;
        plan.finish()
    }

    /// The most likely tokens of the last logits.
    pub fn top_logprobs(&self, count: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "top logprobs", None);
        top_logprobs(&mut plan, &self.scratch.logits, &self.scratch.top, self.config.text.vocab_size, count)?;
        plan.finish()
    }

    /// Random sampling of the token after `rows` tokens.
    pub fn sample(&self, rows: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "sample", None);
        let Scratch { logits, sampling, seen, sequence, logprobs, step, .. } = self.scratch;
        let buffers = SampleBuffers { logits, sampling, seen, sequence, logprobs, step };
        sample(&mut plan, buffers, self.config.text.vocab_size, rows)?;
        plan.finish()
    }
}
