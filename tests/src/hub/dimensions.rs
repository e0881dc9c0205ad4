//! Dimensions of generated releases.

use af2_core::config::{
    AudioConfig, AudioTransformerConfig, CrossAttentionConfig, EncoderConfig, MODEL_TYPE, ModelConfig, SpecialTokens,
    TextConfig,
};

/// A model that differs from the toy in every dimension but the vocabulary, which is that of its tokenizer.
///
/// Its bytes grow with the square of `scale`, at least 2: in float32 a release needs 4 MB for 2 and 57 MB for 8.
pub fn dimensions(scale: usize) -> ModelConfig {
    let (embed_dim, width) = (8 * scale, 64 * scale);
    ModelConfig {
        model_type: MODEL_TYPE.into(),
        name: format!("generated-{scale}"),
        audio: AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 },
        encoder: EncoderConfig {
            embed_dim,
            depths: vec![1, 1, 2, 1],
            num_heads: vec![1, 2, 2, 4],
            mlp_dims: (0..4).map(|stage| 4 * (embed_dim << stage)).collect(),
        },
        audio_transformer: AudioTransformerConfig { d_model: width, n_layers: 1, n_head: scale, d_inner: width },
        cross_attention: CrossAttentionConfig { num_heads: 2, head_dim: 64, every_n_layers: 2, ff_inner: 2 * width },
        text: TextConfig {
            hidden_size: width,
            num_hidden_layers: 2,
            num_attention_heads: 2 * scale,
            num_key_value_heads: scale,
            head_dim: 32,
            intermediate_size: 160 * scale,
            vocab_size: 609,
            rms_norm_eps: 1e-6,
            rope_theta: 1e6,
            tie_word_embeddings: true,
        },
        tokens: SpecialTokens { audio: 605, end_of_chunk: 606, pad: 607, separator: 608, end_of_text: 601 },
    }
}
