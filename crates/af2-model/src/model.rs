//! A loaded model: weights and tables on the GPU, the tokenizer, and the decoder's scratch buffers, which its clips share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use af2_core::config::ModelConfig;
use af2_core::engine::{MOST_POSITIONS, TOKENS_PER_WINDOW};
use af2_core::text::Tokenizer;
use af2_gpu::ops::Step;
use af2_gpu::ops::attention_split::dispatches;
use af2_gpu::ops::matvec::matvec_dispatches;
use af2_gpu::{Buffer, Gpu, MatrixShape};

use crate::ModelError;
use crate::batch_buffers::Batch;
use crate::cross_attention::audio_bytes;
use crate::frontend::Frontend;
use crate::scratch::{PROMPT_ROWS, Scratch};
use crate::weights::{DecoderLayer, Weights};

/// Positions that the first key/value cache has: the longest ordinary prompt (512) and answer (256).
const FIRST_CAPACITY: usize = 768;
/// Windows of audio that the scratch buffers allow from the start: five minutes.
const USUAL_WINDOWS: usize = 30;

pub(crate) struct Inner {
    pub gpu: Gpu,
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    pub weights: Weights,
    pub frontend: Frontend,
    /// Step parameters that stay at position 0.
    pub origin: Buffer,
    scratch: Mutex<Option<Arc<Scratch>>>,
    batch: Mutex<Option<Arc<Batch>>>,
    busy: AtomicBool,
}

/// A model ready to listen; cheap to clone.
#[derive(Clone)]
pub struct Model(pub(crate) Arc<Inner>);

/// What a model takes on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelInfo {
    /// Bytes of GPU memory in use on the device now.
    pub gpu_bytes: u64,
    /// Weight bytes that one decoded token reads.
    pub bytes_per_token: u64,
    /// Bytes of the audio keys and values per window; every decoded token reads them as well.
    pub audio_bytes_per_window: u64,
    /// Dispatches of one decoded token: with one window of audio, and with more.
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
        let (scratch, batch, busy) = (Mutex::new(None), Mutex::new(None), AtomicBool::new(false));
        Ok(Self(Arc::new(Inner { gpu, config, tokenizer, weights, frontend, origin, scratch, batch, busy })))
    }

    /// Builds and drops one plan of each kind, so that their kernels are compiled. There is no error scope around it, which would
    /// stall until the compiler is done: an error shows at the next readback.
    pub(crate) async fn warm_up(&self) -> Result<(), ModelError> {
        let gpu = self.gpu();
        let width = self.0.config.audio_transformer.d_model;
        let frequencies = vec![0.0; self.0.config.audio_transformer.rotary_dim() / 2];
        let scratch = self.scratch(1, 1, 0).await?;
        self.encoder_plan(1, None)?;
        let tokens = gpu.storage("audio tokens", (4 * TOKENS_PER_WINDOW * width) as u64)?;
        let made = self.audio_kv_plan(&tokens, &frequencies, 1, 1, None)?;
        Ok(self.clip(made.audio_kv, 1).warm_up(&scratch)?)
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

    /// What the model takes.
    pub fn info(&self) -> ModelInfo {
        let decoder = &self.0.weights.decoder;
        let crosses = decoder.layers.iter().filter_map(|layer| layer.gated_cross_attn.as_ref());
        let head_dim = self.0.config.cross_attention.head_dim;
        let audio = |to_kv: &af2_gpu::Matrix| audio_bytes(to_kv.scheme, head_dim, to_kv.rows);
        let layers = decoder.layers.iter().flat_map(DecoderLayer::token_matrices).chain([(&decoder.lm_head, false)]);
        let matvecs: usize = layers.map(|(matrix, paired)| matvec_dispatches(&self.0.gpu, matrix, paired)).sum();
        let (matvecs, blocks) = (matvecs + decoder.embed_tokens.parts.len(), crosses.clone().count());
        let others = 2 * decoder.layers.len() + 1; // attention of every layer in two dispatches, and argmax
        ModelInfo {
            gpu_bytes: self.0.gpu.memory().bytes(),
            bytes_per_token: self.0.weights.decode_bytes(),
            audio_bytes_per_window: crosses.map(|cross| audio(&cross.to_kv)).sum(),
            dispatches_per_token: ATTENDING.map(|attending| matvecs + attending * blocks + others),
        }
    }

    /// The shapes of the matrices of a decoded token, each once, as this device reads them.
    pub fn token_shapes(&self) -> Vec<MatrixShape> {
        let decoder = &self.0.weights.decoder;
        let matrices = decoder.layers.iter().flat_map(DecoderLayer::token_matrices).chain([(&decoder.lm_head, false)]);
        let mut shapes = Vec::new();
        for shape in matrices.flat_map(|(matrix, paired)| matrix.part_shapes(paired)) {
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        shapes
    }

    /// Scratch buffers with room for `positions` tokens in each of `slots` sequences; those that exist, if they are large enough.
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

    /// The buffers of the last batch.
    pub(crate) fn stored_batch(&self) -> Option<Arc<Batch>> {
        self.0.batch.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces them.
    pub(crate) fn store_batch(&self, batch: Option<Arc<Batch>>) {
        *self.0.batch.lock().unwrap_or_else(PoisonError::into_inner) = batch;
    }

    /// Lets go of the scratch buffers; the next question allocates them again.
    pub(crate) fn free_scratch(&self) {
        self.store_batch(None);
        *self.0.scratch.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether both are the same model on the same device.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Reserves the scratch buffers for one question.
    pub(crate) fn reserve(&self) -> Result<Busy<'_>, ModelError> {
        let free = self.0.busy.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        free.map(|_| Busy(&self.0.busy)).map_err(|_| ModelError::Busy)
    }
}

/// Dispatches of a token's cross-attention with one window of audio, and with more: then slices of the keys are joined.
const ATTENDING: [usize; 2] = [dispatches(TOKENS_PER_WINDOW), dispatches(2 * TOKENS_PER_WINDOW)];

/// Dispatches of one decoded token where every matrix fits one binding, with one window of audio and with more: 6 per decoder layer,
/// 5 or 6 per cross-attention block, and 3 for embedding, head and argmax; 399 and 435 in the 3B model.
pub fn dispatches_per_token(config: &ModelConfig) -> [usize; 2] {
    let layers = config.text.num_hidden_layers;
    let blocks = (0..layers).filter(|layer| config.cross_attention.present_at(*layer)).count();
    ATTENDING.map(|attending| 6 * layers + (4 + attending) * blocks + 3)
}
