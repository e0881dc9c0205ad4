//! The Qwen2 decoder with its cross-attention blocks: plans for a prompt, for one token, and for the head.
//!
//! ```text
//! x ── cross-attention block ── RMS norm ── q,k,v ── rotary ── cache ── attention ── o_proj ──(+)──
//!   ── RMS norm ── gate, up ── SiLU·up ── down_proj ──(+)── x            final norm ── lm_head ── logits
//! ```

use af2_core::config::ModelConfig;
use af2_gpu::ops::attention::{AttentionShape, attention};
use af2_gpu::ops::attention_split::{attention_split, partial_bytes};
use af2_gpu::ops::cache_write::cache_write;
use af2_gpu::ops::embed::embed;
use af2_gpu::ops::matmul::matmul;
use af2_gpu::ops::matvec::{InputNorm, Row, matvec};
use af2_gpu::ops::matvec_gate_up::matvec_gate_up;
use af2_gpu::ops::matvec_qkv::{Heads, QkvBuffers, matvec_qkv};
use af2_gpu::ops::rms_norm::rms_norm;
use af2_gpu::ops::rope::{RopeShape, rope};
use af2_gpu::ops::sample::{SampleBuffers, Sampling, sample};
use af2_gpu::ops::silu_mul::silu_mul;
use af2_gpu::ops::{Epilogue, Step, Store, argmax::argmax};
use af2_gpu::{Buffer, Gpu, GpuError, Plan, PlanBuilder, Taps};

use crate::cross_attention::{AudioMemory, kept_as, prompt_block, token_block};
use crate::weights::{CrossAttention, Decoder, DecoderLayer};

/// Activations of the decoder for up to `rows` tokens at a time, and the state of the sequences being decoded.
pub(crate) struct Scratch {
    /// Rows of a slot of the caches and of the sequence.
    pub capacity: usize,
    /// Sequences side by side (beams).
    pub slots: usize,
    /// Most audio tokens of a clip.
    pub audio_tokens: usize,
    /// V.
    vocab: usize,
    /// The residual stream, [rows, H].
    pub x: Buffer,
    /// A normed copy of it.
    pub normed: Buffer,
    /// Queries of the cross-attention, [rows, width]; or of one token's self-attention.
    pub q: Buffer,
    /// q, k and v of a prompt, [rows, (heads + 2 kv_heads) · head_dim].
    pub qkv: Buffer,
    /// Output of an attention.
    pub attended: Buffer,
    /// Feed-forward activations of either kind.
    pub inner: Buffer,
    /// Gate and up products of a prompt, [rows, 2F].
    pub gate_up: Buffer,
    /// Partial results of a single token's attention.
    pub partial: Buffer,
    /// Logits of the last token, \[V\] filled up to whole quads.
    pub logits: Buffer,
    /// Token ids, [slots · capacity].
    pub sequence: Buffer,
    /// Keys and values per layer, [slots · capacity, 2, kv_heads · head_dim].
    pub kv: Vec<Buffer>,
    /// Tokens seen, one bit each.
    pub seen: Buffer,
    /// Settings of a draw.
    pub sampling: Buffer,
    /// Position and seed.
    pub step: Buffer,
}

impl Scratch {
    /// `audio_tokens` is the most that a clip may have.
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

/// Elements of a buffer that a kernel reads four at a time.
fn quads(elements: usize) -> usize {
    elements.next_multiple_of(4)
}

/// The decoder for one clip: its weights, the audio's keys and values, and the scratch.
pub(crate) struct DecoderPlans<'a> {
    pub gpu: &'a Gpu,
    pub config: &'a ModelConfig,
    pub weights: &'a Decoder,
    /// Audio keys and values of the layers that have a cross-attention block.
    pub audio_kv: &'a [Option<Buffer>],
    pub audio_tokens: usize,
    pub scratch: &'a Scratch,
}

impl DecoderPlans<'_> {
    fn eps(&self) -> f32 {
        self.config.text.rms_norm_eps
    }

    fn heads(&self) -> Heads {
        let text = &self.config.text;
        Heads { query: text.num_attention_heads, key_value: text.num_key_value_heads, width: text.head_dim }
    }

    fn memory<'b>(&self, kv: &'b Buffer, weights: &CrossAttention) -> AudioMemory<'b> {
        let kept = kept_as(weights.to_kv.scheme, self.config.cross_attention.head_dim);
        let cross = &self.config.cross_attention;
        AudioMemory { kv, tokens: self.audio_tokens, heads: cross.num_heads, head_dim: cross.head_dim, kept }
    }

    /// Self-attention on rows of q with stride `q_stride`.
    fn self_attention(&self, q_stride: usize) -> AttentionShape {
        let heads = self.heads();
        let kv = heads.key_value * heads.width;
        AttentionShape {
            heads: heads.query,
            key_heads: heads.key_value,
            head_dim: heads.width,
            keys: 0,
            causal: true,
            q_stride,
            q_offset: 0,
            kv_stride: 2 * kv,
            k_offset: 0,
            v_offset: kv,
            half: false,
        }
    }

    /// All layers for `rows` prompt tokens, from the sequence at the step's position.
    pub fn prompt(&self, rows: usize, taps: Option<&Taps>) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "prompt", taps);
        let s = self.scratch;
        let hidden = self.config.text.hidden_size;
        embed(&mut plan, &self.weights.embed_tokens, &s.sequence, &s.step, &s.x, rows)?;
        plan.tap("embed", &s.x, &[1, rows, hidden])?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            if let (Some(cross), Some(kv)) = (&layer.gated_cross_attn, &self.audio_kv[index]) {
                prompt_block(&mut plan, index, cross, self.memory(kv, cross), s, rows)?;
            }
            self.prompt_layer(&mut plan, index, layer, rows)?;
            plan.tap(&format!("flamingo_layer{index}"), &s.x, &[1, rows, hidden])?;
        }
        plan.finish()
    }

    fn prompt_layer(
        &self,
        plan: &mut PlanBuilder,
        index: usize,
        layer: &DecoderLayer,
        rows: usize,
    ) -> Result<(), GpuError> {
        let s = self.scratch;
        let Heads { query, key_value, width } = self.heads();
        let stride = (query + 2 * key_value) * width;
        let shape = [rows, self.config.text.hidden_size];
        let label = |part: &str| format!("{index}.{part}");
        let add = Epilogue { store: Store::Add, ..Epilogue::default() };
        // q and k are the first heads of a row of qkv.
        let rotation = RopeShape { rows, heads: query + key_value, head_dim: width, rotated: width, stride };
        let kv = &s.kv[index];

        rms_norm(plan, &label("input_layernorm"), &s.x, &layer.input_layernorm, &s.normed, shape, self.eps())?;
        matmul(plan, &label("qkv_proj"), &s.normed, &layer.qkv_proj, &s.qkv, rows, &Epilogue::bias(&layer.qkv_bias))?;
        rope(plan, &label("rope"), &s.qkv, &self.weights.rotary, &s.step, rotation)?;
        let columns = [query * width, 2 * key_value * width];
        cache_write(plan, &label("cache_write"), &s.qkv, kv, &s.step, rows, columns, stride)?;
        attention(plan, &label("attention"), &s.qkv, kv, &s.attended, &s.step, rows, self.self_attention(stride))?;
        matmul(plan, &label("o_proj"), &s.attended, &layer.o_proj, &s.x, rows, &add)?;
        let norm = &layer.post_attention_layernorm;
        rms_norm(plan, &label("post_attention_layernorm"), &s.x, norm, &s.normed, shape, self.eps())?;
        matmul(plan, &label("gate_up_proj"), &s.normed, &layer.gate_up_proj, &s.gate_up, rows, &Epilogue::default())?;
        silu_mul(plan, &label("silu_mul"), &s.gate_up, &layer.gate_up_proj, &s.inner, rows)?;
        matmul(plan, &label("down_proj"), &s.inner, &layer.down_proj, &s.x, rows, &add)
    }

    /// All layers for one token: at most 12 dispatches per layer.
    pub fn token(&self) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "token", None);
        let s = self.scratch;
        embed(&mut plan, &self.weights.embed_tokens, &s.sequence, &s.step, &s.x, 1)?;
        for (index, layer) in self.weights.layers.iter().enumerate() {
            if let (Some(cross), Some(kv)) = (&layer.gated_cross_attn, &self.audio_kv[index]) {
                token_block(&mut plan, index, cross, self.memory(kv, cross), s)?;
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
        attention_split(plan, &label("attention"), &s.q, kv, &s.partial, &s.attended, &s.step, shape, s.capacity)?;
        matvec(plan, &label("o_proj"), row(&s.attended), InputNorm::None, &layer.o_proj, &s.x, &add)?;
        let norm = InputNorm::Rms(&layer.post_attention_layernorm, self.eps());
        matvec_gate_up(plan, &label("gate_up_proj"), row(&s.x), norm, &layer.gate_up_proj, &s.inner)?;
        matvec(plan, &label("down_proj"), row(&s.inner), InputNorm::None, &layer.down_proj, &s.x, &add)
    }

    /// Final norm and head on the last of `rows` tokens.
    pub fn head(&self, rows: usize) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "head", None);
        let s = self.scratch;
        let norm = InputNorm::Rms(&self.weights.norm, self.eps());
        let row = Row { buffer: &s.x, row: rows - 1 };
        matvec(&mut plan, "lm_head", row, norm, &self.weights.lm_head, &s.logits, &Epilogue::default())?;
        plan.finish()
    }

    /// Final norm and head on all of `rows` tokens, kept as taps.
    pub fn head_of_all(&self, rows: usize, taps: &Taps) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "head of all", Some(taps));
        let s = self.scratch;
        let (hidden, vocab) = (self.config.text.hidden_size, self.config.text.vocab_size);
        let logits = self.gpu.storage("logits of all", 4 * (rows * vocab) as u64)?;
        rms_norm(&mut plan, "norm", &s.x, &self.weights.norm, &s.normed, [rows, hidden], self.eps())?;
        plan.tap("final_norm", &s.normed, &[1, rows, hidden])?;
        matmul(&mut plan, "lm_head", &s.normed, &self.weights.lm_head, &logits, rows, &Epilogue::default())?;
        plan.tap("logits", &logits, &[1, rows, vocab])?;
        plan.finish()
    }

    /// The choice of the token after `rows` tokens: the largest logit, or a draw.
    pub fn choice(&self, rows: usize, draw: bool) -> Result<Plan, GpuError> {
        let mut plan = PlanBuilder::new(self.gpu, "choice", None);
        let s = self.scratch;
        let vocab = self.config.text.vocab_size;
        if draw {
            let (logits, sampling, seen, sequence, step) = (&s.logits, &s.sampling, &s.seen, &s.sequence, &s.step);
            sample(&mut plan, SampleBuffers { logits, sampling, seen, sequence, step }, vocab, rows)?;
        } else {
            argmax(&mut plan, &s.logits, &s.sequence, &s.step, vocab, rows)?;
        }
        plan.finish()
    }
}
