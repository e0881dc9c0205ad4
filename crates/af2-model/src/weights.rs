//! The weights on the GPU, module by module. Field names are the checkpoint's, shapes those of the tensor table.

use af2_core::config::ModelConfig;
use af2_core::engine::MOST_POSITIONS;
use af2_core::weights::index::ModelIndex;
use af2_gpu::matrix::Stacking;
use af2_gpu::ops::rope::rotary_table;
use af2_gpu::{Buffer, Gpu, Matrix};

use crate::ModelError;
use crate::allocator::{Allocator, Destinations, Scope};

pub(crate) struct Weights {
    pub encoder: Encoder,
    pub audio_transformer: AudioTransformer,
    pub decoder: Decoder,
}

impl Weights {
    /// Allocates every buffer, and says where every stored tensor goes.
    pub fn allocate(gpu: &Gpu, config: &ModelConfig, index: &ModelIndex) -> Result<(Self, Destinations), ModelError> {
        let allocator = Allocator::new(gpu, config, index);
        let weights = Self {
            encoder: Encoder::allocate(&allocator.scope("clap.nvclap"), &config.encoder.depths)?,
            audio_transformer: AudioTransformer::allocate(
                &allocator.scope("audio_transformer_clap"),
                config.audio_transformer.n_layers,
            )?,
            decoder: Decoder::allocate(gpu, &allocator, config)?,
        };
        Ok((weights, allocator.into_destinations()))
    }

    /// Bytes of the matrices that one decoded token reads: everything of the decoder but `to_kv`, and the head.
    pub fn decode_bytes(&self) -> u64 {
        let layers = self.decoder.layers.iter().flat_map(DecoderLayer::token_matrices);
        layers.map(|(matrix, _)| matrix.bytes()).sum::<u64>() + self.decoder.lm_head.bytes()
    }
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

impl Encoder {
    fn allocate(scope: &Scope<'_>, depths: &[usize]) -> Result<Self, ModelError> {
        let stage = |(stage, depth): (usize, &usize)| {
            SwinStage::allocate(&scope.at(&format!("layers.{stage}")), *depth, stage + 1 < depths.len())
        };
        Ok(Self {
            bn0: scope.joined(&["bn0.weight", "bn0.bias", "bn0.running_mean", "bn0.running_var"])?,
            patch_embed_proj: scope.exact("patch_embed.proj.weight")?,
            patch_embed_proj_bias: scope.exact("patch_embed.proj.bias")?,
            patch_embed_norm: scope.norm("patch_embed.norm")?,
            layers: depths.iter().enumerate().map(stage).collect::<Result<_, _>>()?,
            norm: scope.norm("norm")?,
        })
    }
}

pub(crate) struct SwinStage {
    pub blocks: Vec<SwinBlock>,
    pub downsample: Option<Downsample>,
}

impl SwinStage {
    fn allocate(scope: &Scope<'_>, depth: usize, merging: bool) -> Result<Self, ModelError> {
        let block = |block: usize| SwinBlock::allocate(&scope.at(&format!("blocks.{block}")));
        Ok(Self {
            blocks: (0..depth).map(block).collect::<Result<_, _>>()?,
            downsample: merging.then(|| Downsample::allocate(&scope.at("downsample"))).transpose()?,
        })
    }
}

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

impl SwinBlock {
    fn allocate(scope: &Scope<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            norm1: scope.norm("norm1")?,
            relative_position_bias_table: scope.exact("attn.relative_position_bias_table")?,
            qkv: scope.matrix("attn.qkv")?,
            qkv_bias: scope.exact("attn.qkv.bias")?,
            proj: scope.matrix("attn.proj")?,
            proj_bias: scope.exact("attn.proj.bias")?,
            norm2: scope.norm("norm2")?,
            fc1: scope.matrix("mlp.fc1")?,
            fc1_bias: scope.exact("mlp.fc1.bias")?,
            fc2: scope.matrix("mlp.fc2")?,
            fc2_bias: scope.exact("mlp.fc2.bias")?,
        })
    }
}

pub(crate) struct Downsample {
    pub norm: Buffer,
    pub reduction: Matrix,
}

impl Downsample {
    fn allocate(scope: &Scope<'_>) -> Result<Self, ModelError> {
        Ok(Self { norm: scope.norm("norm")?, reduction: scope.matrix("reduction")? })
    }
}

pub(crate) struct AudioTransformer {
    pub inv_freq: Buffer,
    pub layer_norm: Buffer,
    pub layer_stack: Vec<AudioTransformerLayer>,
}

impl AudioTransformer {
    fn allocate(scope: &Scope<'_>, layers: usize) -> Result<Self, ModelError> {
        let layer = |layer: usize| AudioTransformerLayer::allocate(&scope.at(&format!("layer_stack.{layer}")));
        Ok(Self {
            inv_freq: scope.exact("position_enc.inv_freq")?,
            layer_norm: scope.norm("layer_norm")?,
            layer_stack: (0..layers).map(layer).collect::<Result<_, _>>()?,
        })
    }
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

impl AudioTransformerLayer {
    fn allocate(scope: &Scope<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            w_qkv: scope.fused(&["slf_attn.w_qs", "slf_attn.w_ks", "slf_attn.w_vs"], Stacking::Stacked)?,
            fc: scope.matrix("slf_attn.fc")?,
            attention_norm: scope.norm("slf_attn.layer_norm")?,
            w_1: scope.matrix("pos_ffn.w_1")?,
            w_1_bias: scope.exact("pos_ffn.w_1.bias")?,
            w_2: scope.matrix("pos_ffn.w_2")?,
            w_2_bias: scope.exact("pos_ffn.w_2.bias")?,
            ffn_norm: scope.norm("pos_ffn.layer_norm")?,
        })
    }
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

impl Decoder {
    fn allocate(gpu: &Gpu, allocator: &Allocator<'_>, config: &ModelConfig) -> Result<Self, ModelError> {
        let text = &config.text;
        let model = allocator.scope("lang_encoder.model");
        let embed_tokens = model.matrix("embed_tokens")?;
        let layer = |layer: usize| {
            let cross = config.cross_attention.present_at(layer);
            DecoderLayer::allocate(&model.at(&format!("layers.{layer}")), cross)
        };
        let frequency = |i: usize| (1.0 / text.rope_theta.powf(2.0 * i as f64 / text.head_dim as f64)) as f32;
        let frequencies: Vec<f32> = (0..text.head_dim / 2).map(frequency).collect();
        Ok(Self {
            layers: (0..text.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            norm: model.exact("norm.weight")?,
            lm_head: match text.tie_word_embeddings {
                true => embed_tokens.clone(),
                false => allocator.scope("lang_encoder").matrix("lm_head")?,
            },
            rotary: gpu.storage_with("rotary", &rotary_table(&frequencies, MOST_POSITIONS))?,
            embed_tokens,
        })
    }
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

impl DecoderLayer {
    fn allocate(scope: &Scope<'_>, cross: bool) -> Result<Self, ModelError> {
        let block = || CrossAttention::allocate(&scope.at("gated_cross_attn_layer_sound"));
        let own = scope.at("decoder_layer");
        let [q, k, v] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
        Ok(Self {
            gated_cross_attn: cross.then(block).transpose()?,
            input_layernorm: own.exact("input_layernorm.weight")?,
            qkv_proj: own.fused(&[q, k, v], Stacking::Stacked)?,
            qkv_bias: own.joined(&[q, k, v].map(|name| format!("{name}.bias")))?,
            o_proj: own.matrix("self_attn.o_proj")?,
            post_attention_layernorm: own.exact("post_attention_layernorm.weight")?,
            gate_up_proj: own.fused(&["mlp.gate_proj", "mlp.up_proj"], Stacking::Paired)?,
            down_proj: own.matrix("mlp.down_proj")?,
        })
    }

    /// The matrices that a decoded token reads, those of the cross-attention block first, and whether their rows are used in pairs.
    pub fn token_matrices(&self) -> impl Iterator<Item = (&Matrix, bool)> {
        let cross = self.gated_cross_attn.iter().flat_map(CrossAttention::token_matrices);
        let [qkv, gate_up] = [&self.qkv_proj, &self.gate_up_proj].map(|matrix| (matrix, true));
        cross.map(|matrix| (matrix, false)).chain([qkv, (&self.o_proj, false), gate_up, (&self.down_proj, false)])
    }
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

impl CrossAttention {
    fn allocate(scope: &Scope<'_>) -> Result<Self, ModelError> {
        Ok(Self {
            attn_gate: scope.exact("attn_gate")?,
            ff_gate: scope.exact("ff_gate")?,
            attn_norm: scope.norm("attn.norm")?,
            to_q: scope.matrix("attn.to_q")?,
            to_kv: scope.matrix("attn.to_kv")?,
            to_out: scope.matrix("attn.to_out")?,
            ff_norm: scope.norm("ff.0")?,
            ff_1: scope.matrix("ff.1")?,
            ff_3: scope.matrix("ff.3")?,
        })
    }

    /// All but `to_kv`, whose results depend on the audio alone.
    fn token_matrices(&self) -> [&Matrix; 4] {
        [&self.to_q, &self.to_out, &self.ff_1, &self.ff_3]
    }
}
