//! The table of tensors of a model: name, shape and part, in the order the engine needs them.
//!
//! Names are the checkpoint's own. The table follows from the configuration alone, so the converter, both engines and
//! `af2 inspect` all check against the same one. The 3B model has 4,791,031,776 weights.

use std::fmt;

use serde::Serialize;

use crate::config::ModelConfig;
use crate::engine::{MEL_BINS, PATCH, RELATIVE_POSITIONS};

/// Prefix of the encoder's tensors.
pub const ENCODER: &str = "clap.nvclap.";
/// Prefix of the audio transformer's tensors.
pub const AUDIO_TRANSFORMER: &str = "audio_transformer_clap.";
/// The embedding.
pub const EMBEDDING: &str = "lang_encoder.model.embed_tokens.weight";
/// The head, present only where it is not the embedding.
pub const HEAD: &str = "lang_encoder.lm_head.weight";
/// The audio transformer's stored rotary frequencies.
pub const INV_FREQ: &str = "audio_transformer_clap.position_enc.inv_freq";

/// The parts of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// HTSAT, from batch norm to its last norm.
    Encoder,
    /// The transformer over the tokens of all windows.
    AudioTransformer,
    /// Token embedding; also the head where both are one tensor.
    Embedding,
    /// The gated cross-attention blocks.
    CrossAttention,
    /// The Qwen2 layers and the final norm.
    Decoder,
    /// A head of its own.
    Head,
}

/// How a tensor may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// A weight matrix, in any scheme.
    Matrix,
    /// Norms, biases, gates, tables, statistics: always f32.
    Exact,
}

/// One tensor of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorUse {
    /// Canonical name.
    pub name: String,
    /// Dimensions, row-major.
    pub shape: Vec<usize>,
    /// Where it belongs.
    pub part: Part,
    /// How it may be stored.
    pub storage: Storage,
    /// Whether every decoded token reads all of it.
    pub per_token: bool,
}

impl Part {
    /// All parts, in the order the engine needs them.
    pub const ALL: [Part; 6] =
        [Part::Encoder, Part::AudioTransformer, Part::Embedding, Part::CrossAttention, Part::Decoder, Part::Head];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Part::Encoder => "encoder",
            Part::AudioTransformer => "audio transformer",
            Part::Embedding => "embedding",
            Part::CrossAttention => "cross-attention",
            Part::Decoder => "decoder",
            Part::Head => "head",
        })
    }
}

impl TensorUse {
    /// Weights in the tensor.
    pub fn parameters(&self) -> u64 {
        self.shape.iter().fold(1, |count, &n| count.saturating_mul(n as u64))
    }

    /// Rows and columns of a matrix; any other tensor is one row.
    pub fn matrix(&self) -> (usize, usize) {
        match (self.storage, self.shape.as_slice()) {
            (Storage::Matrix, &[rows, cols]) => (rows, cols),
            (_, shape) => (1, shape.iter().product()),
        }
    }
}

/// All tensors of a model with a validated configuration, in loading order: encoder, audio transformer, embedding, per
/// layer cross-attention and decoder layer, final norm, head.
pub fn tensor_table(config: &ModelConfig) -> Vec<TensorUse> {
    let mut list = List { uses: Vec::new(), part: Part::Encoder, prefix: ENCODER.into() };
    encoder(&mut list, config);
    audio_transformer(&mut list, config);
    language_model(&mut list, config);
    list.uses
}

/// The list being written: part and prefix of what comes next.
struct List {
    uses: Vec<TensorUse>,
    part: Part,
    prefix: String,
}

impl List {
    fn enter(&mut self, part: Part, prefix: String) {
        (self.part, self.prefix) = (part, prefix);
    }

    fn push(&mut self, name: &str, shape: &[usize], storage: Storage) {
        let per_token = matches!(self.part, Part::CrossAttention | Part::Decoder | Part::Head);
        let name = format!("{}{name}", self.prefix);
        self.uses.push(TensorUse { name, shape: shape.to_vec(), part: self.part, storage, per_token });
    }

    fn exact(&mut self, name: &str, shape: &[usize]) {
        self.push(name, shape, Storage::Exact);
    }

    fn matrix(&mut self, name: &str, rows: usize, cols: usize) {
        self.push(&format!("{name}.weight"), &[rows, cols], Storage::Matrix);
    }

    /// A matrix with a bias per row.
    fn linear(&mut self, name: &str, rows: usize, cols: usize) {
        self.matrix(name, rows, cols);
        self.exact(&format!("{name}.bias"), &[rows]);
    }

    fn layer_norm(&mut self, name: &str, width: usize) {
        self.exact(&format!("{name}.weight"), &[width]);
        self.exact(&format!("{name}.bias"), &[width]);
    }

    fn rms_norm(&mut self, name: &str, width: usize) {
        self.exact(&format!("{name}.weight"), &[width]);
    }
}

fn encoder(list: &mut List, config: &ModelConfig) {
    let encoder = &config.encoder;
    for name in ["bn0.weight", "bn0.bias", "bn0.running_mean", "bn0.running_var"] {
        list.exact(name, &[MEL_BINS]);
    }
    list.exact("patch_embed.proj.weight", &[encoder.embed_dim, 1, PATCH, PATCH]);
    list.exact("patch_embed.proj.bias", &[encoder.embed_dim]);
    list.layer_norm("patch_embed.norm", encoder.embed_dim);
    for (stage, &depth) in encoder.depths.iter().enumerate() {
        let width = encoder.embed_dim << stage;
        for block in 0..depth {
            list.enter(Part::Encoder, format!("{ENCODER}layers.{stage}.blocks.{block}."));
            swin_block(list, width, encoder.num_heads[stage], encoder.mlp_dims[stage]);
        }
        if stage + 1 < encoder.depths.len() {
            list.enter(Part::Encoder, format!("{ENCODER}layers.{stage}.downsample."));
            list.layer_norm("norm", 4 * width);
            list.matrix("reduction", 2 * width, 4 * width);
        }
    }
    list.enter(Part::Encoder, ENCODER.into());
    list.layer_norm("norm", encoder.output_dim());
}

fn swin_block(list: &mut List, width: usize, heads: usize, inner: usize) {
    list.layer_norm("norm1", width);
    list.exact("attn.relative_position_bias_table", &[RELATIVE_POSITIONS, heads]);
    list.linear("attn.qkv", 3 * width, width);
    list.linear("attn.proj", width, width);
    list.layer_norm("norm2", width);
    list.linear("mlp.fc1", inner, width);
    list.linear("mlp.fc2", width, inner);
}

fn audio_transformer(list: &mut List, config: &ModelConfig) {
    let audio = &config.audio_transformer;
    list.enter(Part::AudioTransformer, AUDIO_TRANSFORMER.into());
    list.exact("position_enc.inv_freq", &[audio.rotary_dim() / 2]);
    list.layer_norm("layer_norm", audio.d_model);
    for layer in 0..audio.n_layers {
        list.enter(Part::AudioTransformer, format!("{AUDIO_TRANSFORMER}layer_stack.{layer}."));
        for name in ["w_qs", "w_ks", "w_vs", "fc"] {
            list.matrix(&format!("slf_attn.{name}"), audio.d_model, audio.d_model);
        }
        list.layer_norm("slf_attn.layer_norm", audio.d_model);
        list.linear("pos_ffn.w_1", audio.d_inner, audio.d_model);
        list.linear("pos_ffn.w_2", audio.d_model, audio.d_inner);
        list.layer_norm("pos_ffn.layer_norm", audio.d_model);
    }
}

fn language_model(list: &mut List, config: &ModelConfig) {
    let text = &config.text;
    list.enter(Part::Embedding, String::new());
    list.push(EMBEDDING, &[text.vocab_size, text.hidden_size], Storage::Matrix);
    if let Some(embedding) = list.uses.last_mut() {
        embedding.per_token = text.tie_word_embeddings;
    }
    for layer in 0..text.num_hidden_layers {
        if config.cross_attention.present_at(layer) {
            cross_attention(list, config, layer);
        }
        decoder_layer(list, config, layer);
    }
    list.enter(Part::Decoder, "lang_encoder.model.".into());
    list.rms_norm("norm", text.hidden_size);
    if !text.tie_word_embeddings {
        list.enter(Part::Head, String::new());
        list.push(HEAD, &[text.vocab_size, text.hidden_size], Storage::Matrix);
    }
}

fn cross_attention(list: &mut List, config: &ModelConfig, layer: usize) {
    let (cross, hidden) = (&config.cross_attention, config.text.hidden_size);
    list.enter(Part::CrossAttention, cross_attention_prefix(layer));
    list.exact("attn_gate", &[1]);
    list.exact("ff_gate", &[1]);
    list.layer_norm("attn.norm", hidden);
    list.matrix("attn.to_q", cross.inner_dim(), hidden);
    list.matrix("attn.to_kv", 2 * cross.inner_dim(), config.audio_transformer.d_model);
    if let Some(to_kv) = list.uses.last_mut() {
        to_kv.per_token = false; // keys and values depend on the audio alone
    }
    list.matrix("attn.to_out", hidden, cross.inner_dim());
    list.layer_norm("ff.0", hidden);
    list.matrix("ff.1", cross.ff_inner, hidden);
    list.matrix("ff.3", hidden, cross.ff_inner);
}

fn decoder_layer(list: &mut List, config: &ModelConfig, layer: usize) {
    let text = &config.text;
    let (q, kv) = (text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim);
    list.enter(Part::Decoder, decoder_layer_prefix(layer));
    list.rms_norm("input_layernorm", text.hidden_size);
    list.linear("self_attn.q_proj", q, text.hidden_size);
    list.linear("self_attn.k_proj", kv, text.hidden_size);
    list.linear("self_attn.v_proj", kv, text.hidden_size);
    list.matrix("self_attn.o_proj", text.hidden_size, q);
    list.rms_norm("post_attention_layernorm", text.hidden_size);
    list.matrix("mlp.gate_proj", text.intermediate_size, text.hidden_size);
    list.matrix("mlp.up_proj", text.intermediate_size, text.hidden_size);
    list.matrix("mlp.down_proj", text.hidden_size, text.intermediate_size);
}

/// Prefix of the cross-attention block before decoder layer `layer`.
pub fn cross_attention_prefix(layer: usize) -> String {
    format!("lang_encoder.model.layers.{layer}.gated_cross_attn_layer_sound.")
}

/// Prefix of decoder layer `layer`.
pub fn decoder_layer_prefix(layer: usize) -> String {
    format!("lang_encoder.model.layers.{layer}.decoder_layer.")
}
