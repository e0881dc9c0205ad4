//! The transformer over the tokens of all windows: post-norm layers with partly rotated heads.
//!
//! ```text
//! x·√D ── layer_norm ── [ qkv ── rotary ── attention ── fc ──(+)── norm ── w_1 ── ReLU ── w_2 ──(+)── norm ] × layers
//! ```

use af2_core::config::AudioTransformerConfig;
use af2_gpu::ops::attention::{AttentionShape, attention};
use af2_gpu::ops::layer_norm::layer_norm;
use af2_gpu::ops::matmul::matmul;
use af2_gpu::ops::rope::{RopeShape, rope};
use af2_gpu::ops::{Activation, Epilogue, Store};
use af2_gpu::{Buffer, Gpu, GpuError, PlanBuilder};

use crate::weights::{AudioTransformer, AudioTransformerLayer};

const EPS: f32 = 1e-6;

/// Activations for T audio tokens.
struct Scratch {
    /// The residual stream, [T, D].
    x: Buffer,
    /// It after a sum, before the norm that follows, or the other way round.
    summed: Buffer,
    /// q, k and v, [T, 3D].
    qkv: Buffer,
    /// Output of the attention, [T, D].
    attended: Buffer,
    /// Feed-forward activations, [T, d_inner].
    hidden: Buffer,
}

/// What the layers share.
pub(crate) struct AudioTransformerInput<'a> {
    pub config: &'a AudioTransformerConfig,
    pub weights: &'a AudioTransformer,
    /// Tokens of all windows, [T, D].
    pub tokens: &'a Buffer,
    /// T.
    pub count: usize,
    /// Cosines and sines of T positions.
    pub rotary: &'a Buffer,
    /// A step at position 0.
    pub step: &'a Buffer,
}

/// Appends the audio transformer; returns its output, [T, D].
pub(crate) fn audio_transformer(
    gpu: &Gpu,
    plan: &mut PlanBuilder,
    input: &AudioTransformerInput<'_>,
) -> Result<Buffer, GpuError> {
    let (count, width) = (input.count, input.config.d_model);
    let storage = |label: &str, columns: usize| gpu.storage(label, 4 * (count * columns) as u64);
    let scratch = Scratch {
        x: storage("audio x", width)?,
        summed: storage("audio summed", width)?,
        qkv: storage("audio qkv", 3 * width)?,
        attended: storage("audio attended", width)?,
        hidden: storage("audio hidden", input.config.d_inner)?,
    };
    let shape = [count, width];
    let scale = (width as f32).sqrt();
    layer_norm(plan, "audio.layer_norm", input.tokens, &input.weights.layer_norm, &scratch.x, shape, EPS, scale)?;
    plan.tap("audio_transformer_in", &scratch.x, &[1, count, width])?;
    for (index, layer) in input.weights.layer_stack.iter().enumerate() {
        transformer_layer(plan, &format!("audio.{index}"), layer, &scratch, input)?;
        plan.tap(&format!("audio_transformer_layer{index}"), &scratch.x, &[1, count, width])?;
    }
    plan.tap("audio_transformer_out", &scratch.x, &[1, count, width])?;
    Ok(scratch.x)
}

fn transformer_layer(
    plan: &mut PlanBuilder,
    name: &str,
    layer: &AudioTransformerLayer,
    s: &Scratch,
    input: &AudioTransformerInput<'_>,
) -> Result<(), GpuError> {
    let (count, width, heads) = (input.count, input.config.d_model, input.config.n_head);
    let head_dim = width / heads;
    let label = |part: &str| format!("{name}.{part}");
    let add = Epilogue { store: Store::Add, ..Epilogue::default() };
    // q and k are the first 2·heads heads of a row of qkv.
    let rotation =
        RopeShape { rows: count, heads: 2 * heads, head_dim, rotated: input.config.rotary_dim(), stride: 3 * width };
    let shape = AttentionShape {
        heads,
        key_heads: heads,
        head_dim,
        keys: count,
        causal: false,
        q_stride: 3 * width,
        q_offset: 0,
        kv_stride: 3 * width,
        k_offset: width,
        v_offset: 2 * width,
        half: false,
    };
    matmul(plan, &label("qkv"), &s.x, &layer.w_qkv, &s.qkv, count, &Epilogue::default())?;
    rope(plan, &label("rope"), &s.qkv, input.rotary, input.step, rotation)?;
    attention(plan, &label("attention"), &s.qkv, &s.qkv, &s.attended, input.step, count, shape)?;
    matmul(plan, &label("fc"), &s.attended, &layer.fc, &s.x, count, &add)?;
    layer_norm(plan, &label("attention_norm"), &s.x, &layer.attention_norm, &s.summed, [count, width], EPS, 1.0)?;
    let relu = Epilogue { bias: Some(&layer.w_1_bias), activation: Activation::Relu, store: Store::Write };
    matmul(plan, &label("w_1"), &s.summed, &layer.w_1, &s.hidden, count, &relu)?;
    let add = Epilogue { bias: Some(&layer.w_2_bias), store: Store::Add, ..Epilogue::default() };
    matmul(plan, &label("w_2"), &s.hidden, &layer.w_2, &s.summed, count, &add)?;
    layer_norm(plan, &label("ffn_norm"), &s.summed, &layer.ffn_norm, &s.x, [count, width], EPS, 1.0)
}
