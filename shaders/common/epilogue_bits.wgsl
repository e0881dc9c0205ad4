// What the end of a matmul or matvec does: bits of `params.epilogue`.
//!include common/activation.wgsl
//!include common/finite.wgsl
//!include common/tanh.wgsl
const BIAS: u32 = 1u;
const GELU: u32 = 2u;
const RELU: u32 = 4u;
const ADD: u32 = 8u;
const ADD_GATED: u32 = 16u;

// The factor of a gated residual, tanh(gate). Taken once, before a thread finishes its sums: inside their loop it would keep compilers
// from unrolling, and the sums would go through memory.
fn gate_factor() -> f32 {
    if ((params.epilogue & ADD_GATED) == 0u) { return 0.0; }
    return exact_tanh(gate[0]);
}
