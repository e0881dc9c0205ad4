//! The transformer over the tokens of all windows: 3 post-norm layers, D = 2048, 8 heads of 256 of which the first 128 dimensions are
//! rotated.
//!
//! ```text
//! x·√D [T, 2048] ── layer_norm ── [ qkv(2048→6144) ── rotary ── attention ── fc(2048→2048) ──(+)── norm
//!                                    ── w_1(2048→2048) ── ReLU ── w_2(2048→2048) ──(+)── norm ] × 3        T = 64 · windows
//! ```

use af2_core::config::AudioTransformerConfig;
use af2_gpu::ops::attention::{AttentionBuffers, AttentionShape, attention};
use af2_gpu::ops::layer_norm::{NormBuffers, layer_norm};
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::rope::{RopeShape, rope};
use af2_gpu::ops::{Activation, Epilogue, Store};
use af2_gpu::{Buffer, Gpu, GpuError, PlanBuilder};

use crate::weights::{AudioTransformer, AudioTransformerLayer};

const EPS: f32 = 1e-6;

/// Activations for T audio tokens.
struct Scratch {
    /// The residual stream, [T, D].
    x: Buffer,
    /// `x` after the norm of the attention, then plus the feed-forward, [T, D].
    summed: Buffer,
    /// q, k and v, [T, 3D].
    qkv: Buffer,
    /// Output of the attention, [T, D].
    attended: Buffer,
    /// Feed-forward activations, [T, d_inner].
    hidden: Buffer,
}

/// Configuration, weights and inputs.
pub(crate) struct AudioTransformerInput<'a> {
    pub config: &'a AudioTransformerConfig,
    pub weights: &'a AudioTransformer,
    /// Tokens of all windows, [T, D].
    pub tokens: &'a Buffer,
    /// T.
    pub count: usize,
    /// Sounds that they belong to, of equal length: a token attends to those of its own.
    pub sounds: usize,
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
    let buffers = NormBuffers { x: input.tokens, norm: &input.weights.layer_norm, out: &scratch.x };
    layer_norm(plan, "audio.layer_norm", buffers, shape, EPS, scale)?;
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
    let qkv = Matmul { x: &s.x, w: &layer.w_qkv, out: &s.qkv, rows: count };
    matmul(plan, &label("qkv"), qkv, &Epilogue::default())?;
    rope(plan, &label("rope"), &s.qkv, input.rotary, input.step, rotation)?;
    let buffers = AttentionBuffers { q: &s.qkv, kv: &s.qkv, out: &s.attended, step: input.step };
    let rows = count / input.sounds;
    let shape = AttentionShape { sounds: input.sounds, ..AttentionShape::joint(heads, head_dim, rows) };
    attention(plan, &label("attention"), buffers, rows, shape)?;
    matmul(plan, &label("fc"), Matmul { x: &s.attended, w: &layer.fc, out: &s.x, rows: count }, &add)?;
    let norm = NormBuffers { x: &s.x, norm: &layer.attention_norm, out: &s.summed };
    layer_norm(plan, &label("attention_norm"), norm, [count, width], EPS, 1.0)?;
    let relu = Epilogue { bias: Some(&layer.w_1_bias), activation: Activation::Relu, store: Store::Write };
    matmul(plan, &label("w_1"), Matmul { x: &s.summed, w: &layer.w_1, out: &s.hidden, rows: count }, &relu)?;
    let add = Epilogue { bias: Some(&layer.w_2_bias), store: Store::Add, ..Epilogue::default() };
    matmul(plan, &label("w_2"), Matmul { x: &s.hidden, w: &layer.w_2, out: &s.summed, rows: count }, &add)?;
    let norm = NormBuffers { x: &s.summed, norm: &layer.ffn_norm, out: &s.x };
    layer_norm(plan, &label("ffn_norm"), norm, [count, width], EPS, 1.0)
}
