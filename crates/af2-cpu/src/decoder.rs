//! The Qwen2 decoder with its cross-attention blocks (Yang et al. 2024).
//!
//! ```text
//! x ── cross-attention block ── RMS norm ── q,k,v ── rotary ── cache ── attention ── o_proj ──(+)──
//!   ── RMS norm ── gate, up ── SiLU·up ── down_proj ──(+)── x            final norm ── lm_head ── logits
//! ```
//!
//! The 3B model has 36 layers of H = 2048: q_proj(2048→2048) in 16 heads of 128, k_proj and v_proj(2048→256) in 2, gate_proj and
//! up_proj(2048→11008), down_proj(11008→2048); and V = 151669 rows of embedding, which is also the head.
//!
//! # Shapes
//! The residual stream x is [L, H] for L tokens; logits are [L, V].

use af2_core::config::{ModelConfig, TextConfig};
use af2_core::engine::MOST_POSITIONS;
use burn_tensor::activation::silu;
use burn_tensor::{Device, Tensor, TensorData};

use crate::CpuError;
use crate::attention::{attention, merge_heads, split_heads};
use crate::audio_kv::AudioKv;
use crate::cross_attention::GatedCrossAttention;
use crate::kv_cache::{KvCache, LayerCache};
use crate::layers::{Linear, RmsNorm};
use crate::matrix::Matrix;
use crate::rotary::Rotary;
use crate::steps::{self, Steps};
use crate::taps::Taps;
use crate::weights::{Scope, Weights};

pub(crate) struct Decoder {
    pub embed_tokens: Matrix,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    /// The embedding, when tied.
    lm_head: Linear,
    rotary: Rotary,
    /// The same on plain numbers, if the matrices are packed.
    pub steps: Option<Steps>,
    pub device: Device,
}

impl Decoder {
    pub fn load(weights: &Weights, config: &ModelConfig) -> Result<Self, CpuError> {
        let text = &config.text;
        let model = weights.scope("lang_encoder.model");
        let embed_tokens = model.matrix("embed_tokens.weight")?;
        let tied = || Ok(Linear::of(embed_tokens.clone()));
        let own = || Linear::load_without_bias(&weights.scope("lang_encoder"), "lm_head");
        let layer = |layer: usize| DecoderLayer::load(&model.at(&format!("layers.{layer}")), config, layer);
        let mut decoder = Self {
            lm_head: if text.tie_word_embeddings { tied() } else { own() }?,
            layers: (0..text.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            norm: RmsNorm::load(&model, "norm", f64::from(text.rms_norm_eps))?,
            rotary: Rotary::new(&frequencies(text), MOST_POSITIONS, &weights.device),
            embed_tokens,
            steps: None,
            device: weights.device.clone(),
        };
        decoder.steps = decoder.plain(frequencies(text));
        Ok(decoder)
    }

    fn plain(&self, frequencies: Vec<f32>) -> Option<Steps> {
        Some(Steps {
            embed_tokens: self.embed_tokens.packed()?,
            layers: self.layers.iter().map(DecoderLayer::plain).collect::<Option<_>>()?,
            norm: self.norm.plain(),
            lm_head: self.lm_head.plain()?.weight,
            frequencies,
        })
    }

    /// An empty cache.
    pub fn cache(&self) -> KvCache {
        KvCache::new(self.layers.len(), self.steps.is_some())
    }

    /// Audio keys and values of every layer that has a cross-attention block.
    pub fn audio_kv(&self, audio: &Tensor<2>, taps: &mut Taps) -> Vec<Option<AudioKv>> {
        let blocks = self.layers.iter().map(|layer| layer.gated_cross_attn.as_ref()).enumerate();
        blocks.map(|(layer, block)| Some(block?.audio_kv(audio.clone(), layer, taps))).collect()
    }

    /// The residual stream after all layers, [L, H], of tokens that follow those of the cache.
    pub fn forward(
        &self,
        tokens: &[u32],
        audio_kv: &[Option<AudioKv>],
        cache: &mut KvCache,
        taps: &mut Taps,
    ) -> Tensor<2> {
        let position = cache.length;
        let mask = causal_mask(tokens.len(), position, &self.device);
        let mut x = taps.tap_tokens("embed", self.embed_tokens.select(tokens, &self.device));
        for (index, ((layer, audio), cache)) in self.layers.iter().zip(audio_kv).zip(cache.layers()).enumerate() {
            if let (Some(block), Some(audio)) = (&layer.gated_cross_attn, audio) {
                x = block.forward(x, audio, index, taps);
            }
            let place = Place { position, mask: mask.clone(), rotary: &self.rotary };
            x = taps.tap_tokens(format!("flamingo_layer{index}"), layer.forward(x, &place, cache));
        }
        cache.length += tokens.len();
        x
    }

    /// Logits, [L, V], of the residual stream.
    pub fn logits(&self, x: Tensor<2>, taps: &mut Taps) -> Tensor<2> {
        let normed = taps.tap_tokens("final_norm", self.norm.forward(x));
        taps.tap_tokens("logits", self.lm_head.forward(normed))
    }
}

/// Rotary frequencies θ_i = base^(−2i/d), rounded to float32; d is the width of a head, i counts its first half.
fn frequencies(text: &TextConfig) -> Vec<f32> {
    let frequency = |i: usize| (1.0 / text.rope_theta.powf(2.0 * i as f64 / text.head_dim as f64)) as f32;
    (0..text.head_dim / 2).map(frequency).collect()
}

/// Causal mask, [1, 1, L, keys]: −∞ where a key comes after the query. A single token is the last and needs none.
fn causal_mask(tokens: usize, position: usize, device: &Device) -> Option<Tensor<4>> {
    let keys = position + tokens;
    let hidden = |pair: usize| if pair % keys > position + pair / keys { f32::NEG_INFINITY } else { 0.0 };
    let mask = || (0..tokens * keys).map(hidden).collect::<Vec<_>>();
    (tokens > 1).then(|| Tensor::from_data(TensorData::new(mask(), [1, 1, tokens, keys]), device))
}

/// Position and mask of the tokens, the same for every layer.
struct Place<'a> {
    position: usize,
    mask: Option<Tensor<4>>,
    rotary: &'a Rotary,
}

struct DecoderLayer {
    gated_cross_attn: Option<GatedCrossAttention>,
    input_layernorm: RmsNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    post_attention_layernorm: RmsNorm,
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    heads: usize,
    kv_heads: usize,
}

impl DecoderLayer {
    fn load(scope: &Scope<'_>, config: &ModelConfig, layer: usize) -> Result<Self, CpuError> {
        let (text, cross) = (&config.text, &config.cross_attention);
        let block = || GatedCrossAttention::load(&scope.at("gated_cross_attn_layer_sound"), cross.num_heads);
        let own = scope.at("decoder_layer");
        let eps = f64::from(text.rms_norm_eps);
        Ok(Self {
            gated_cross_attn: cross.present_at(layer).then(block).transpose()?,
            input_layernorm: RmsNorm::load(&own, "input_layernorm", eps)?,
            q_proj: Linear::load(&own, "self_attn.q_proj")?,
            k_proj: Linear::load(&own, "self_attn.k_proj")?,
            v_proj: Linear::load(&own, "self_attn.v_proj")?,
            o_proj: Linear::load_without_bias(&own, "self_attn.o_proj")?,
            post_attention_layernorm: RmsNorm::load(&own, "post_attention_layernorm", eps)?,
            gate_proj: Linear::load_without_bias(&own, "mlp.gate_proj")?,
            up_proj: Linear::load_without_bias(&own, "mlp.up_proj")?,
            down_proj: Linear::load_without_bias(&own, "mlp.down_proj")?,
            heads: text.num_attention_heads,
            kv_heads: text.num_key_value_heads,
        })
    }

    /// The layer and its cross-attention block as decoding steps read them, if their matrices are packed.
    fn plain(&self) -> Option<(Option<steps::CrossAttention>, steps::Layer)> {
        let layer = steps::Layer {
            input_layernorm: self.input_layernorm.plain(),
            q_proj: self.q_proj.plain()?,
            k_proj: self.k_proj.plain()?,
            v_proj: self.v_proj.plain()?,
            o_proj: self.o_proj.plain()?,
            post_attention_layernorm: self.post_attention_layernorm.plain(),
            gate_proj: self.gate_proj.plain()?,
            up_proj: self.up_proj.plain()?,
            down_proj: self.down_proj.plain()?,
            heads: self.heads,
            kv_heads: self.kv_heads,
        };
        match &self.gated_cross_attn {
            Some(block) => Some((Some(block.plain()?), layer)),
            None => Some((None, layer)),
        }
    }

    /// [L, H] to [L, H].
    fn forward(&self, x: Tensor<2>, place: &Place<'_>, cache: &mut LayerCache) -> Tensor<2> {
        let x = x.clone() + self.self_attention(self.input_layernorm.forward(x), place, cache);
        let normed = self.post_attention_layernorm.forward(x.clone());
        let hidden = silu(self.gate_proj.forward(normed.clone())) * self.up_proj.forward(normed);
        x + self.down_proj.forward(hidden)
    }

    /// Query head j reads key/value head j / (heads / kv heads).
    fn self_attention(&self, x: Tensor<2>, place: &Place<'_>, cache: &mut LayerCache) -> Tensor<2> {
        let q = place.rotary.forward(split_heads(self.q_proj.forward(x.clone()), self.heads), place.position);
        let k = place.rotary.forward(split_heads(self.k_proj.forward(x.clone()), self.kv_heads), place.position);
        let v = split_heads(self.v_proj.forward(x), self.kv_heads);
        let [k, v] = cache.append(k, v);
        let [_, tokens, width] = q.dims();
        let q = q.reshape([self.kv_heads, self.heads / self.kv_heads, tokens, width]);
        let attended = attention(q, k, v, place.mask.clone());
        self.o_proj.forward(merge_heads(attended.reshape([self.heads, tokens, width])))
    }
}
