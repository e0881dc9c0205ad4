//! The network's weights: where every tensor of the checkpoint lives on the GPU. Field names are the checkpoint's.

use std::collections::HashMap;

use af2_core::config::{EncoderConfig, ModelConfig};
use af2_core::weights::Scheme;
use af2_core::weights::index::{ModelIndex, scales_name};
use af2_gpu::matrix::Stacking;
use af2_gpu::ops::rope::rotary_table;
use af2_gpu::{Buffer, Gpu, Matrix};

use crate::ModelError;

/// A run of a tensor's bytes and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    /// First byte in the tensor.
    pub tensor_offset: u64,
    /// Bytes.
    pub bytes: u64,
    pub buffer: Buffer,
    pub buffer_offset: u64,
}

/// Everything that is expected of one stored tensor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Bytes of the whole tensor.
    pub bytes: u64,
    pub destinations: Vec<Destination>,
}

/// Stored tensors by name.
pub(crate) type Destinations = HashMap<String, Expected>;

pub(crate) struct SwinBlock {
    pub norm1: Buffer,
    pub relative_position_bias_table: Buffer,
    pub qkv: Matrix,
    pub qkv_bias: Buffer,
    pub proj: Matrix,
    pub proj_bias: Buffer,
    pub norm2: Buffer,
    pub fc1: Matrix,
    pub fc1_bias: Buffer,
    pub fc2: Matrix,
    pub fc2_bias: Buffer,
}

pub(crate) struct Downsample {
    pub norm: Buffer,
    pub reduction: Matrix,
}

pub(crate) struct SwinStage {
    pub blocks: Vec<SwinBlock>,
    pub downsample: Option<Downsample>,
}

pub(crate) struct Encoder {
    /// Weight, bias, running mean, running variance.
    pub bn0: Buffer,
    pub patch_embed_proj: Buffer,
    pub patch_embed_proj_bias: Buffer,
    pub patch_embed_norm: Buffer,
    pub layers: Vec<SwinStage>,
    pub norm: Buffer,
}

pub(crate) struct AudioTransformerLayer {
    /// `w_qs`, `w_ks`, `w_vs` stacked.
    pub w_qkv: Matrix,
    pub fc: Matrix,
    pub attention_norm: Buffer,
    pub w_1: Matrix,
    pub w_1_bias: Buffer,
    pub w_2: Matrix,
    pub w_2_bias: Buffer,
    pub ffn_norm: Buffer,
}

pub(crate) struct AudioTransformer {
    pub inv_freq: Buffer,
    pub layer_norm: Buffer,
    pub layer_stack: Vec<AudioTransformerLayer>,
}

pub(crate) struct CrossAttention {
    pub attn_gate: Buffer,
    pub ff_gate: Buffer,
    pub attn_norm: Buffer,
    pub to_q: Matrix,
    pub to_kv: Matrix,
    pub to_out: Matrix,
    pub ff_norm: Buffer,
    pub ff_1: Matrix,
    pub ff_3: Matrix,
}

pub(crate) struct DecoderLayer {
    pub gated_cross_attn: Option<CrossAttention>,
    pub input_layernorm: Buffer,
    /// `q_proj`, `k_proj`, `v_proj` stacked.
    pub qkv_proj: Matrix,
    pub qkv_bias: Buffer,
    pub o_proj: Matrix,
    pub post_attention_layernorm: Buffer,
    /// `gate_proj` and `up_proj`, paired.
    pub gate_up_proj: Matrix,
    pub down_proj: Matrix,
}

pub(crate) struct Decoder {
    pub embed_tokens: Matrix,
    pub layers: Vec<DecoderLayer>,
    pub norm: Buffer,
    /// The embedding, when tied.
    pub lm_head: Matrix,
    /// Cosines and sines of every position.
    pub rotary: Buffer,
}

pub(crate) struct Weights {
    pub encoder: Encoder,
    pub audio_transformer: AudioTransformer,
    pub decoder: Decoder,
}

impl Weights {
    /// Allocates every buffer, and says where every stored tensor goes.
    pub fn allocate(
        gpu: &Gpu,
        config: &ModelConfig,
        index: &ModelIndex,
        most_positions: usize,
    ) -> Result<(Self, Destinations), ModelError> {
        let mut allocator = Allocator { gpu, index, destinations: Destinations::new() };
        let encoder = allocator.encoder(&config.encoder)?;
        let audio_transformer = allocator.audio_transformer(config)?;
        let decoder = allocator.decoder(config, most_positions)?;
        Ok((Self { encoder, audio_transformer, decoder }, allocator.destinations))
    }
}

/// Mel bins of the batch norm.
const MEL_BINS: usize = 64;
/// Relative positions of an 8 × 8 window.
const RELATIVE_POSITIONS: usize = 15 * 15;

struct Allocator<'a> {
    gpu: &'a Gpu,
    index: &'a ModelIndex,
    destinations: Destinations,
}

impl Allocator<'_> {
    /// Exact (float32) tensors of `length` elements each, one after another in one buffer.
    fn exact(&mut self, names: &[String], length: usize) -> Result<Buffer, ModelError> {
        let lengths = vec![length; names.len()];
        self.exact_of(names, &lengths)
    }

    fn exact_of(&mut self, names: &[String], lengths: &[usize]) -> Result<Buffer, ModelError> {
        let label = names.first().map_or("", String::as_str);
        let buffer = self.gpu.storage(label, 4 * lengths.iter().sum::<usize>() as u64)?;
        let mut buffer_offset = 0;
        for (name, length) in names.iter().zip(lengths) {
            let bytes = 4 * *length as u64;
            let destination = Destination { tensor_offset: 0, bytes, buffer: buffer.clone(), buffer_offset };
            self.expect(name, bytes, destination);
            buffer_offset += bytes;
        }
        Ok(buffer)
    }

    /// Weight and bias of a layer norm in one buffer.
    fn norm(&mut self, prefix: &str, length: usize) -> Result<Buffer, ModelError> {
        self.exact(&[format!("{prefix}.weight"), format!("{prefix}.bias")], length)
    }

    fn matrix(&mut self, name: &str, rows: usize, cols: usize) -> Result<Matrix, ModelError> {
        self.fused(&[name.to_owned()], &[rows], cols, Stacking::Stacked)
    }

    /// Several tensors of the same width in one matrix.
    fn fused(
        &mut self,
        names: &[String],
        rows: &[usize],
        cols: usize,
        stacking: Stacking,
    ) -> Result<Matrix, ModelError> {
        let label = names.first().map_or("", String::as_str);
        let scheme = self.scheme(label);
        if let Some(other) = names.iter().find(|name| self.scheme(name) != scheme) {
            let problem =
                format!("it is stored as {:?}, but shares a matrix with {label}, {scheme:?}", self.scheme(other));
            return Err(ModelError::Tensor { tensor: other.clone(), problem });
        }
        let (matrix, placements) = Matrix::allocate(self.gpu, label, scheme, cols, rows, stacking)?;
        for place in placements {
            let (name, part) = (&names[place.tensor], &matrix.parts[place.part]);
            let data = |rows| scheme.data_bytes(rows, cols);
            let destination = Destination {
                tensor_offset: data(place.first_row),
                bytes: data(place.rows),
                buffer: part.data.clone(),
                buffer_offset: data(place.part_row),
            };
            self.expect(name, data(rows[place.tensor]), destination);
            if scheme.is_quantized() {
                let scales = |rows| scheme.scale_bytes(rows, cols);
                let destination = Destination {
                    tensor_offset: scales(place.first_row),
                    bytes: scales(place.rows),
                    buffer: part.scales.clone(),
                    buffer_offset: scales(place.part_row),
                };
                self.expect(&scales_name(name), scales(rows[place.tensor]), destination);
            }
        }
        Ok(matrix)
    }

    fn expect(&mut self, name: &str, bytes: u64, destination: Destination) {
        let expected = self.destinations.entry(name.to_owned()).or_default();
        expected.bytes = bytes;
        expected.destinations.push(destination);
    }

    fn scheme(&self, name: &str) -> Scheme {
        self.index.quantization.get(name).map_or(Scheme::F32, |entry| entry.scheme)
    }

    fn encoder(&mut self, config: &EncoderConfig) -> Result<Encoder, ModelError> {
        let prefix = "clap.nvclap";
        let bn0 = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{prefix}.bn0.{part}"));
        let embed = config.embed_dim;
        let stages = config.depths.len();
        let mut layers = Vec::with_capacity(stages);
        for stage in 0..stages {
            layers.push(self.swin_stage(&format!("{prefix}.layers.{stage}"), config, stage)?);
        }
        Ok(Encoder {
            bn0: self.exact(&bn0, MEL_BINS)?,
            patch_embed_proj: self.exact(&[format!("{prefix}.patch_embed.proj.weight")], embed * 16)?,
            patch_embed_proj_bias: self.exact(&[format!("{prefix}.patch_embed.proj.bias")], embed)?,
            patch_embed_norm: self.norm(&format!("{prefix}.patch_embed.norm"), embed)?,
            layers,
            norm: self.norm(&format!("{prefix}.norm"), config.output_dim())?,
        })
    }

    fn swin_stage(&mut self, prefix: &str, config: &EncoderConfig, stage: usize) -> Result<SwinStage, ModelError> {
        let channels = config.embed_dim << stage;
        let (heads, mlp) = (config.num_heads[stage], config.mlp_dims[stage]);
        let mut blocks = Vec::with_capacity(config.depths[stage]);
        for block in 0..config.depths[stage] {
            blocks.push(self.swin_block(&format!("{prefix}.blocks.{block}"), channels, heads, mlp)?);
        }
        let downsample = if stage + 1 < config.depths.len() {
            Some(Downsample {
                norm: self.norm(&format!("{prefix}.downsample.norm"), 4 * channels)?,
                reduction: self.matrix(&format!("{prefix}.downsample.reduction.weight"), 2 * channels, 4 * channels)?,
            })
        } else {
            None
        };
        Ok(SwinStage { blocks, downsample })
    }

    fn swin_block(&mut self, prefix: &str, channels: usize, heads: usize, mlp: usize) -> Result<SwinBlock, ModelError> {
        let name = |part: &str| format!("{prefix}.{part}");
        Ok(SwinBlock {
            norm1: self.norm(&name("norm1"), channels)?,
            relative_position_bias_table: self
                .exact(&[name("attn.relative_position_bias_table")], RELATIVE_POSITIONS * heads)?,
            qkv: self.matrix(&name("attn.qkv.weight"), 3 * channels, channels)?,
            qkv_bias: self.exact(&[name("attn.qkv.bias")], 3 * channels)?,
            proj: self.matrix(&name("attn.proj.weight"), channels, channels)?,
            proj_bias: self.exact(&[name("attn.proj.bias")], channels)?,
            norm2: self.norm(&name("norm2"), channels)?,
            fc1: self.matrix(&name("mlp.fc1.weight"), mlp, channels)?,
            fc1_bias: self.exact(&[name("mlp.fc1.bias")], mlp)?,
            fc2: self.matrix(&name("mlp.fc2.weight"), channels, mlp)?,
            fc2_bias: self.exact(&[name("mlp.fc2.bias")], channels)?,
        })
    }

    fn audio_transformer(&mut self, config: &ModelConfig) -> Result<AudioTransformer, ModelError> {
        let prefix = "audio_transformer_clap";
        let layers = config.audio_transformer.n_layers;
        let width = config.audio_transformer.d_model;
        let mut layer_stack = Vec::with_capacity(layers);
        for layer in 0..layers {
            layer_stack.push(self.audio_transformer_layer(&format!("{prefix}.layer_stack.{layer}"), config)?);
        }
        let frequencies = config.audio_transformer.rotary_dim() / 2;
        Ok(AudioTransformer {
            inv_freq: self.exact(&[format!("{prefix}.position_enc.inv_freq")], frequencies)?,
            layer_norm: self.norm(&format!("{prefix}.layer_norm"), width)?,
            layer_stack,
        })
    }

    fn audio_transformer_layer(
        &mut self,
        prefix: &str,
        config: &ModelConfig,
    ) -> Result<AudioTransformerLayer, ModelError> {
        let (width, inner) = (config.audio_transformer.d_model, config.audio_transformer.d_inner);
        let name = |part: &str| format!("{prefix}.{part}");
        let qkv = ["w_qs", "w_ks", "w_vs"].map(|part| name(&format!("slf_attn.{part}.weight")));
        Ok(AudioTransformerLayer {
            w_qkv: self.fused(&qkv, &[width; 3], width, Stacking::Stacked)?,
            fc: self.matrix(&name("slf_attn.fc.weight"), width, width)?,
            attention_norm: self.norm(&name("slf_attn.layer_norm"), width)?,
            w_1: self.matrix(&name("pos_ffn.w_1.weight"), inner, width)?,
            w_1_bias: self.exact(&[name("pos_ffn.w_1.bias")], inner)?,
            w_2: self.matrix(&name("pos_ffn.w_2.weight"), width, inner)?,
            w_2_bias: self.exact(&[name("pos_ffn.w_2.bias")], width)?,
            ffn_norm: self.norm(&name("pos_ffn.layer_norm"), width)?,
        })
    }

    fn decoder(&mut self, config: &ModelConfig, most_positions: usize) -> Result<Decoder, ModelError> {
        let text = &config.text;
        let (hidden, vocab) = (text.hidden_size, text.vocab_size);
        let embed_tokens = self.matrix("lang_encoder.model.embed_tokens.weight", vocab, hidden)?;
        let mut layers = Vec::with_capacity(text.num_hidden_layers);
        for layer in 0..text.num_hidden_layers {
            layers.push(self.decoder_layer(config, layer)?);
        }
        let lm_head = if text.tie_word_embeddings {
            embed_tokens.clone()
        } else {
            self.matrix("lang_encoder.lm_head.weight", vocab, hidden)?
        };
        let frequency = |i: usize| (1.0 / text.rope_theta.powf(2.0 * i as f64 / text.head_dim as f64)) as f32;
        let frequencies: Vec<f32> = (0..text.head_dim / 2).map(frequency).collect();
        Ok(Decoder {
            embed_tokens,
            layers,
            norm: self.exact(&["lang_encoder.model.norm.weight".to_owned()], hidden)?,
            lm_head,
            rotary: self.gpu.storage_with("rotary", &rotary_table(&frequencies, most_positions))?,
        })
    }

    fn decoder_layer(&mut self, config: &ModelConfig, layer: usize) -> Result<DecoderLayer, ModelError> {
        let text = &config.text;
        let (hidden, inner) = (text.hidden_size, text.intermediate_size);
        let (q, kv) = (text.num_attention_heads * text.head_dim, text.num_key_value_heads * text.head_dim);
        let prefix = format!("lang_encoder.model.layers.{layer}.decoder_layer");
        let name = |part: &str| format!("{prefix}.{part}");
        let cross =
            config.cross_attention.present_at(layer).then(|| self.cross_attention(config, layer)).transpose()?;
        let weights = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}.weight")));
        let biases = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}.bias")));
        let gate_up = ["gate_proj", "up_proj"].map(|part| name(&format!("mlp.{part}.weight")));
        Ok(DecoderLayer {
            gated_cross_attn: cross,
            input_layernorm: self.exact(&[name("input_layernorm.weight")], hidden)?,
            qkv_proj: self.fused(&weights, &[q, kv, kv], hidden, Stacking::Stacked)?,
            qkv_bias: self.exact_of(&biases, &[q, kv, kv])?,
            o_proj: self.matrix(&name("self_attn.o_proj.weight"), hidden, q)?,
            post_attention_layernorm: self.exact(&[name("post_attention_layernorm.weight")], hidden)?,
            gate_up_proj: self.fused(&gate_up, &[inner; 2], hidden, Stacking::Paired)?,
            down_proj: self.matrix(&name("mlp.down_proj.weight"), hidden, inner)?,
        })
    }

    fn cross_attention(&mut self, config: &ModelConfig, layer: usize) -> Result<CrossAttention, ModelError> {
        let (hidden, audio) = (config.text.hidden_size, config.audio_transformer.d_model);
        let (width, inner) = (config.cross_attention.inner_dim(), config.cross_attention.ff_inner);
        let prefix = format!("lang_encoder.model.layers.{layer}.gated_cross_attn_layer_sound");
        let name = |part: &str| format!("{prefix}.{part}");
        Ok(CrossAttention {
            attn_gate: self.exact(&[name("attn_gate")], 1)?,
            ff_gate: self.exact(&[name("ff_gate")], 1)?,
            attn_norm: self.norm(&name("attn.norm"), hidden)?,
            to_q: self.matrix(&name("attn.to_q.weight"), width, hidden)?,
            to_kv: self.matrix(&name("attn.to_kv.weight"), 2 * width, audio)?,
            to_out: self.matrix(&name("attn.to_out.weight"), hidden, width)?,
            ff_norm: self.norm(&name("ff.0"), hidden)?,
            ff_1: self.matrix(&name("ff.1.weight"), inner, hidden)?,
            ff_3: self.matrix(&name("ff.3.weight"), hidden, inner)?,
        })
    }
}

/// The model's matrices, for counting bytes.
impl Weights {
    /// Bytes of the matrices that one decoded token reads: everything of the decoder but `to_kv`, and the head.
    pub fn decode_bytes(&self) -> u64 {
        let cross = |cross: &CrossAttention| {
            cross.to_q.bytes() + cross.to_out.bytes() + cross.ff_1.bytes() + cross.ff_3.bytes()
        };
        let layer = |layer: &DecoderLayer| {
            layer.qkv_proj.bytes()
                + layer.o_proj.bytes()
                + layer.gate_up_proj.bytes()
                + layer.down_proj.bytes()
                + layer.gated_cross_attn.as_ref().map_or(0, cross)
        };
        self.decoder.layers.iter().map(layer).sum::<u64>() + self.decoder.lm_head.bytes()
    }
}
