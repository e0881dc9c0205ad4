//! A loaded model: the network's parts and the tokenizer.

use std::ops::Range;
use std::sync::Arc;

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{TOKENS_PER_WINDOW, audio_kv_values, encoder_token_values};
use af2_core::text::Tokenizer;
use burn_tensor::Tensor;

use crate::CpuError;
use crate::audio_transformer::AudioTransformer;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::frontend::Frontend;
use crate::taps::Taps;
use crate::weights::Weights;

/// Copies of the audio tokens, [64 · windows, D], that a layer of the audio transformer has at a time: its input, queries, keys and values as
/// computed, in heads and rotated, and what is attended to.
const ACTIVATIONS: u64 = 12;

/// Bytes that the encoder takes for one window of the 3B model, and attention for a block of queries.
const ONE_WINDOW: u64 = 256 << 20;

/// A model ready to listen; cheap to clone.
#[derive(Clone)]
pub struct Model(pub(crate) Arc<Network>);

/// The parts, in the order in which audio and text pass them.
pub(crate) struct Network {
    pub config: ModelConfig,
    pub tokenizer: Tokenizer,
    pub frontend: Frontend,
    pub encoder: Encoder,
    pub audio_transformer: AudioTransformer,
    pub decoder: Decoder,
}

impl Model {
    pub(crate) fn new(config: ModelConfig, tokenizer: Tokenizer, weights: &Weights) -> Result<Self, CpuError> {
        Ok(Self(Arc::new(Network {
            frontend: Frontend::load(weights, &config.audio)?,
            encoder: Encoder::load(weights, &config.encoder)?,
            audio_transformer: AudioTransformer::load(weights, &config.audio_transformer)?,
            decoder: Decoder::load(weights, &config)?,
            config,
            tokenizer,
        })))
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.0.config
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.0.tokenizer
    }

    /// Most bytes that a clip of `windows` windows takes beside the model while it is made: keys and values, and the activations of the
    /// audio transformer, both in float32.
    pub fn clip_bytes(&self, windows: usize) -> u64 {
        let kv = audio_kv_values(self.config(), windows);
        let activations = encoder_token_values(self.config(), windows).saturating_mul(ACTIVATIONS);
        kv.saturating_add(activations).saturating_mul(4).saturating_add(ONE_WINDOW)
    }
}

impl Network {
    /// Encoder tokens of the windows in `range`, [n · 64, D].
    pub fn encode(&self, windows: &Windows, range: Range<usize>, taps: &mut Taps) -> Tensor<2> {
        let images = self.frontend.images(windows, range, taps);
        let tokens = self.encoder.forward(images, taps);
        let [count, _, width] = tokens.dims();
        tokens.reshape([count * TOKENS_PER_WINDOW, width])
    }
}
