//! One op per kernel: the parameters, a launch function that appends dispatches to a plan, the plain-loop twin and a test over a table
//! of shapes.

pub mod argmax;
pub mod attention;
pub mod attention_rows;
pub mod attention_split;
pub mod cache_write;
pub mod check_finite;
pub mod embed;
pub mod fold_image;
pub mod gather;
mod half_rows;
pub mod layer_norm;
pub mod log_mel;
pub mod matmul;
mod matmul_launch;
mod matmul_operands;
mod matmul_texels;
pub mod matvec;
pub mod matvec_gate_up;
pub mod matvec_qkv;
pub mod pack_f16;
pub mod patch_embed;
pub mod patch_merge;
pub mod power_spectrum;
mod quantise_rows;
pub mod relevance;
pub mod reorder_tokens;
pub mod rms_norm;
pub mod rope;
pub mod rope_cache;
pub mod sample;
pub mod score_rows;
pub mod silu_mul;
pub mod top_logprobs;
pub mod window_attention;

mod epilogue;
mod row;
mod step;

#[cfg(test)]
pub(crate) mod testing;

pub use epilogue::{Activation, Epilogue, Store};
pub use row::BatchRow;
pub use step::Step;

use af2_core::weights::Scheme;

use crate::shader::Shader;

/// The kernel of a scheme, of four in the order f32, f16, q8, q4.
pub(crate) fn for_scheme(scheme: Scheme, kernels: [&'static Shader; 4]) -> &'static Shader {
    let [f32, f16, q8, q4] = kernels;
    match scheme {
        Scheme::F32 => f32,
        Scheme::F16 => f16,
        Scheme::Q8 => q8,
        Scheme::Q4 => q4,
    }
}

/// The weight bindings of a part of a matrix; only quantised schemes have scales.
pub(crate) fn weight_bindings(scheme: Scheme, part: &crate::MatrixPart) -> Vec<(&str, &crate::Buffer)> {
    let mut bindings = vec![("weight", &part.data)];
    if scheme.is_quantized() {
        bindings.push(("scales", &part.scales));
    }
    bindings
}

/// For kernels that read four elements at once: whether a head may start within a quad.
pub(crate) fn odd_heads(head_dim: usize) -> (&'static str, f64) {
    ("ODD", f64::from(u8::from(!head_dim.is_multiple_of(4))))
}

/// Quads of a head, the last one perhaps in part.
pub(crate) fn head_quads(head_dim: usize) -> (&'static str, f64) {
    ("QUADS", head_dim.div_ceil(4) as f64)
}

/// Workgroups of 64 threads for `count` elements.
pub(crate) fn blocks_of_64(count: usize) -> [u32; 3] {
    [count.div_ceil(64) as u32, 1, 1]
}
