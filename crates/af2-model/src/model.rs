//! A loaded model: weights on the GPU, tokenizer, tables, and the decoder's working state, shared by its clips.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use af2_core::config::ModelConfig;
use af2_core::generation::MOST_POSITIONS;
use af2_core::text::Tokenizer;
use af2_gpu::ops::Step;
use af2_gpu::ops::attention_split::dispatches;
use af2_gpu::{Buffer, Gpu};

use crate::ModelError;
use crate::cross_attention::audio_bytes;
use crate::decoder::Scratch;
use crate::encoder::TOKENS_PER_WINDOW;
use crate::frontend::Frontend;
use crate::weights::Weights;

/// Tokens of a prompt that are processed in one pass.
pub(crate) const PROMPT_ROWS: usize = 64;
/// Positions a cache starts with: the longest ordinary prompt and answer.
const FIRST_CAPACITY: usize = 768;
/// Windows that the scratch is sized for: five minutes.
const USUAL_WINDOWS: usize = 30;

pub(crate) struct Inner {
    pub gpu: Gpu,
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    pub weights: Weights,
    pub frontend: Frontend,
    /// A step that stays at position 0.
    pub origin: Buffer,
    scratch: Mutex<Option<Arc<Scratch>>>,
    busy: AtomicBool,
}

/// A model ready to listen; cheap to clone.
#[derive(Clone)]
pub struct Model(pub(crate) Arc<Inner>);

/// What a model costs on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelFacts {
    /// Bytes of GPU memory in use on the device now.
    pub gpu_bytes: u64,
    /// Weight bytes that one decoded token reads.
    pub bytes_per_token: u64,
    /// Bytes of keys and values that a window of sound holds, and that every token reads as well.
    pub audio_bytes_per_window: u64,
    /// Dispatches that one decoded token takes: with one window of sound, and with more.
    pub dispatches_per_token: [usize; 2],
}

/// Marks the model as answering until it is dropped.
pub(crate) struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Model {
    // wgpu's handles are not Send on the web; the Arc is only a shared pointer there.
    #[allow(clippy::arc_with_non_send_sync)]
    pub(crate) fn new(
        gpu: Gpu,
        config: ModelConfig,
        tokenizer: Tokenizer,
        weights: Weights,
    ) -> Result<Self, ModelError> {
        let frontend = Frontend::new(&gpu, &config.audio)?;
        let origin = Step::buffer(&gpu)?;
        let (scratch, busy) = (Mutex::new(None), AtomicBool::new(false));
        Ok(Self(Arc::new(Inner { gpu, config, tokenizer, weights, frontend, origin, scratch, busy })))
    }

    /// Builds and drops one plan of each kind, so that their kernels are compiled. Outside an error scope, which would wait for
    /// the compiler: an error shows at the next readback.
    pub(crate) async fn warm_up(&self) -> Result<(), ModelError> {
        let gpu = self.gpu();
        let width = self.0.config.audio_transformer.d_model;
        let frequencies = vec![0.0; self.0.config.audio_transformer.rotary_dim() / 2];
        let scratch = self.scratch(1, 1, 0).await?;
        self.encoder_plan(1, None)?;
        let tokens = gpu.storage("audio tokens", (4 * TOKENS_PER_WINDOW * width) as u64)?;
        let (_, audio_kv) = self.memory_plan(&tokens, &frequencies, 1, None)?;
        Ok(self.clip(audio_kv, 1, Vec::new()).warm_up(&scratch)?)
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.0.gpu
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.0.config
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.tokenizer
    }

    /// What the model costs.
    pub fn facts(&self) -> ModelFacts {
        let decoder = &self.0.weights.decoder;
        let layer = |layer: &crate::weights::DecoderLayer, attending: usize| {
            let cross = layer.gated_cross_attn.as_ref();
            let cross = cross.map_or(0, |c| attending + parts(&[&c.to_q, &c.to_out, &c.ff_1, &c.ff_3]));
            2 + cross + parts(&[&layer.qkv_proj, &layer.o_proj, &layer.gate_up_proj, &layer.down_proj])
        };
        let crosses = decoder.layers.iter().filter_map(|layer| layer.gated_cross_attn.as_ref());
        let head_dim = self.0.config.cross_attention.head_dim;
        let audio = |to_kv: &af2_gpu::Matrix| audio_bytes(to_kv.scheme, head_dim, to_kv.rows);
        let choice = 1;
        let ends = parts(&[&decoder.embed_tokens, &decoder.lm_head]) + choice;
        ModelFacts {
            gpu_bytes: self.0.gpu.memory().bytes(),
            bytes_per_token: self.0.weights.decode_bytes(),
            audio_bytes_per_window: crosses.map(|cross| audio(&cross.to_kv)).sum(),
            dispatches_per_token: ATTENDING
                .map(|attending| decoder.layers.iter().map(|each| layer(each, attending)).sum::<usize>() + ends),
        }
    }

    /// Working state with room for a sequence of `positions` tokens in each of `slots`; the one there is, if it is large enough.
    pub(crate) async fn scratch(
        &self,
        positions: usize,
        slots: usize,
        audio_tokens: usize,
    ) -> Result<Arc<Scratch>, ModelError> {
        let audio_tokens = audio_tokens.max(USUAL_WINDOWS * TOKENS_PER_WINDOW);
        let held = self.0.scratch.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let roomy = |held: &Arc<Scratch>| {
            held.capacity >= positions && held.slots >= slots && held.audio_tokens >= audio_tokens
        };
        if let Some(found) = held.filter(roomy) {
            return Ok(found);
        }
        let capacity = positions.next_multiple_of(256).clamp(FIRST_CAPACITY, MOST_POSITIONS);
        let rows = PROMPT_ROWS;
        let made = self.new_scratch(rows, capacity, slots, audio_tokens).await?;
        *self.0.scratch.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made)
    }

    // As in `new`.
    #[allow(clippy::arc_with_non_send_sync)]
    pub(crate) async fn new_scratch(
        &self,
        rows: usize,
        capacity: usize,
        slots: usize,
        audio_tokens: usize,
    ) -> Result<Arc<Scratch>, ModelError> {
        let Inner { gpu, config, .. } = &*self.0;
        let make = || Scratch::new(gpu, config, rows, capacity, slots, audio_tokens);
        Ok(Arc::new(gpu.scoped("the key/value cache", make).await?))
    }

    /// Reserves the working state.
    pub(crate) fn reserve(&self) -> Result<Busy<'_>, ModelError> {
        let free = self.0.busy.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        free.map(|_| Busy(&self.0.busy)).map_err(|_| ModelError::Busy)
    }
}

/// Dispatches of a token's cross-attention with one window of sound, and with more: several slices of keys are joined.
const ATTENDING: [usize; 2] = [dispatches(TOKENS_PER_WINDOW), dispatches(2 * TOKENS_PER_WINDOW)];

/// Dispatches that one decoded token takes where every matrix fits one binding, with one window of sound and with more: 6 per decoder
/// layer, 5 or 6 per cross-attention block, and 3 for embedding, head and choice.
pub fn dispatches_per_token(config: &ModelConfig) -> [usize; 2] {
    let layers = config.text.num_hidden_layers;
    let blocks = (0..layers).filter(|layer| config.cross_attention.present_at(*layer)).count();
    ATTENDING.map(|attending| 6 * layers + (4 + attending) * blocks + 3)
}

fn parts(matrices: &[&af2_gpu::Matrix]) -> usize {
    matrices.iter().map(|matrix| matrix.parts.len()).sum()
}
