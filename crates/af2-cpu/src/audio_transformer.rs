//! The transformer over the tokens of all windows: post-norm layers whose heads are half rotated.
//!
//! ```text
//! x·√D ── layer_norm ── [ q,k,v ── rotary ── attention ── fc ──(+)── norm ── w_1 ── ReLU ── w_2 ──(+)── norm ] × 3
//! ```
//!
//! In every release D = 2048, 8 heads of 256 dimensions, of which R = 128 are rotated, and a feed-forward width of 2048.
//!
//! # Shapes
//! Input and output are [T, D], with T = 64 tokens per window; the position of a token is its index in all T.

use af2_core::config::AudioTransformerConfig;
use burn_tensor::Tensor;

use crate::CpuError;
use crate::attention::{attention, merge_heads, split_heads};
use crate::layers::{LayerNorm, Linear, checked_relu};
use crate::rotary::Rotary;
use crate::taps::Taps;
use crate::weights::{Scope, Weights};

const EPS: f64 = 1e-6;

pub(crate) struct AudioTransformer {
    /// Rotary frequencies as stored, \[R/2\].
    inv_freq: Vec<f32>,
    layer_norm: LayerNorm,
    layer_stack: Vec<Layer>,
}

impl AudioTransformer {
    pub fn load(weights: &Weights, config: &AudioTransformerConfig) -> Result<Self, CpuError> {
        let root = weights.scope("audio_transformer_clap");
        let layer = |layer: usize| Layer::load(&root.at(&format!("layer_stack.{layer}")), config.n_head);
        Ok(Self {
            inv_freq: root.vector("position_enc.inv_freq")?,
            layer_norm: LayerNorm::load(&root, "layer_norm", EPS)?,
            layer_stack: (0..config.n_layers).map(layer).collect::<Result<_, _>>()?,
        })
    }

    /// Tokens of all windows, [T, D], to what the cross-attention blocks read, [T, D].
    pub fn forward(&self, x: Tensor<2>, taps: &mut Taps) -> Tensor<2> {
        let [count, width] = x.dims();
        let rotary = Rotary::new(&self.inv_freq, count, &x.device());
        let mut x = taps.tap_tokens("audio_transformer_in", self.layer_norm.forward(x * (width as f64).sqrt()));
        for (index, layer) in self.layer_stack.iter().enumerate() {
            x = taps.tap_tokens(format!("audio_transformer_layer{index}"), layer.forward(x, &rotary));
        }
        taps.tap_tokens("audio_transformer_out", x)
    }
}

struct Layer {
    w_qs: Linear,
    w_ks: Linear,
    w_vs: Linear,
    fc: Linear,
    attention_norm: LayerNorm,
    w_1: Linear,
    w_2: Linear,
    ffn_norm: LayerNorm,
    heads: usize,
}

impl Layer {
    fn load(scope: &Scope<'_>, heads: usize) -> Result<Self, CpuError> {
        Ok(Self {
            w_qs: Linear::load_without_bias(scope, "slf_attn.w_qs")?,
            w_ks: Linear::load_without_bias(scope, "slf_attn.w_ks")?,
            w_vs: Linear::load_without_bias(scope, "slf_attn.w_vs")?,
            fc: Linear::load_without_bias(scope, "slf_attn.fc")?,
            attention_norm: LayerNorm::load(scope, "slf_attn.layer_norm", EPS)?,
            w_1: Linear::load(scope, "pos_ffn.w_1")?,
            w_2: Linear::load(scope, "pos_ffn.w_2")?,
            ffn_norm: LayerNorm::load(scope, "pos_ffn.layer_norm", EPS)?,
            heads,
        })
    }

    fn forward(&self, x: Tensor<2>, rotary: &Rotary) -> Tensor<2> {
        let heads = |linear: &Linear| split_heads(linear.forward(x.clone()), self.heads);
        let q = rotary.forward(heads(&self.w_qs), 0);
        let k = rotary.forward(heads(&self.w_ks), 0);
        let attended = merge_heads(attention(q, k, heads(&self.w_vs), None));
        let x = self.attention_norm.forward(self.fc.forward(attended) + x);
        let hidden = checked_relu(self.w_1.forward(x.clone()));
        self.ffn_norm.forward(self.w_2.forward(hidden) + x)
    }
}
