//! The converted model's `config.json`: every dimension the engine needs, inferred once by the converter.
//!
//! | letter | meaning |
//! |---|---|
//! | T | text tokens |
//! | S | audio tokens (64 per window of the released models) |
//! | H | heads |
//! | D | width |
//! | F | feed-forward width |
//! | V | vocabulary rows |

mod validate;

use serde::{Deserialize, Serialize};

pub(crate) use validate::MAX_WINDOW_LENGTH;
pub use validate::{CONFIG_FILE, ConfigError, MODEL_TYPE};

/// Most audio that is heard of one input, in seconds. 25 minutes are 24 million samples: 240 MB in float64 and as 16-bit codes, both of
/// which are in memory while audio is loaded. Releases hear two minutes, and five with a longer setting.
pub const MOST_SECONDS: f64 = 1500.0;

/// Most windows of one input, however short: each gives 64 audio tokens, which attend to all others.
pub const MOST_WINDOWS: usize = 1 << 10;

/// Everything that describes a converted model except its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Always `"audio-flamingo-2"`.
    pub model_type: String,
    /// Name shown to people, for example the release directory's name.
    pub name: String,
    /// How audio is cut in windows.
    pub audio: AudioConfig,
    /// HTSAT, the Swin encoder.
    pub encoder: EncoderConfig,
    /// The transformer over the tokens of all windows.
    pub audio_transformer: AudioTransformerConfig,
    /// The gated cross-attention blocks.
    pub cross_attention: CrossAttentionConfig,
    /// The Qwen2 decoder.
    pub text: TextConfig,
    /// Token ids with a role.
    pub tokens: SpecialTokens,
}

/// How audio is cut in windows (`clap_config` of `inference.yaml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioConfig {
    /// Samples per second; 16000 in every release.
    pub sample_rate: u32,
    /// Seconds per window; 10.0 in every release.
    pub window_length: f64,
    /// Seconds shared by neighbouring windows; 0.0 in every release.
    pub window_overlap: f64,
    /// Windows the model was made for; callers may allow more.
    pub max_num_window: usize,
}

/// Dimensions of the HTSAT encoder, inferred from tensor shapes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// Channels after the patch embedding.
    pub embed_dim: usize,
    /// Blocks per stage.
    pub depths: Vec<usize>,
    /// Attention heads per stage.
    pub num_heads: Vec<usize>,
    /// Feed-forward width of each stage.
    pub mlp_dims: Vec<usize>,
}

/// Dimensions of the audio transformer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioTransformerConfig {
    /// Token width; equal to the encoder's output width.
    pub d_model: usize,
    /// Layers.
    pub n_layers: usize,
    /// Attention heads.
    pub n_head: usize,
    /// Feed-forward width.
    pub d_inner: usize,
}

/// Dimensions of the gated cross-attention blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossAttentionConfig {
    /// Attention heads.
    pub num_heads: usize,
    /// Width of one head; 64 in every release.
    pub head_dim: usize,
    /// A block stands before decoder layer l when (l + 1) mod this is 0.
    pub every_n_layers: usize,
    /// Feed-forward width.
    pub ff_inner: usize,
}

/// Dimensions of the Qwen2 decoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextConfig {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Decoder layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key/value heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// MLP width.
    pub intermediate_size: usize,
    /// Rows of the embedding tensor (never the base configuration's `vocab_size`).
    pub vocab_size: usize,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f32,
    /// Base of the rotary angles.
    pub rope_theta: f64,
    /// Whether the head is the embedding.
    pub tie_word_embeddings: bool,
}

/// Token ids with a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecialTokens {
    /// `<audio>`, the media marker.
    pub audio: u32,
    /// `<|endofchunk|>`, the end of an answer; does not stop generation.
    pub end_of_chunk: u32,
    /// `<|PAD_TOKEN|>`.
    pub pad: u32,
    /// `<SEP>`, between question and answer.
    pub separator: u32,
    /// `<|endoftext|>`, the only token that stops generation.
    pub end_of_text: u32,
}

impl AudioConfig {
    /// Samples per window, 160000 in every release. A part of a sample is cut off, as the original does.
    pub fn window_samples(&self) -> usize {
        (self.window_length * f64::from(self.sample_rate)) as usize
    }

    /// Samples that neighbouring windows share, 0 in every release; cut like [`AudioConfig::window_samples`].
    pub fn overlap_samples(&self) -> usize {
        (self.window_overlap * f64::from(self.sample_rate)) as usize
    }

    /// Most windows that an input may have: [`MOST_SECONDS`] of audio, and no more than [`MOST_WINDOWS`].
    pub fn most_windows(&self) -> usize {
        MOST_WINDOWS.min((MOST_SECONDS / self.window_length) as usize)
    }
}

impl EncoderConfig {
    /// Width of the encoder's output tokens: the embedding width doubled by every merging.
    pub fn output_dim(&self) -> usize {
        self.embed_dim << (self.depths.len().saturating_sub(1))
    }
}

impl CrossAttentionConfig {
    /// Width of q, and of each of k and v: heads × head width.
    pub fn inner_dim(&self) -> usize {
        self.num_heads * self.head_dim
    }

    /// Whether a block stands before decoder layer `layer` (0-based).
    pub fn present_at(&self, layer: usize) -> bool {
        (layer + 1).is_multiple_of(self.every_n_layers)
    }
}

impl AudioTransformerConfig {
    /// Leading dimensions of each head that are rotated: half of them, at least 32.
    pub fn rotary_dim(&self) -> usize {
        (self.d_model / self.n_head / 2).max(32)
    }
}
