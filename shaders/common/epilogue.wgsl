// The end of a matmul or matvec: y = activation(sum + bias), then out = y, out += y (residual) or out += tanh(gate) * y (gated residual).
// `params.epilogue` holds the bits below. Overrides instead would make every combination a pipeline of its own, and these are the
// kernels that take longest to compile.
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

fn finish(index: u32, column: u32, sum: f32, factor: f32) {
    let what = params.epilogue;
    var y = sum;
    if ((what & BIAS) != 0u) { y += bias[column]; }
    if ((what & GELU) != 0u) { y = gelu(y); }
    if ((what & RELU) != 0u) { y = select(y, 0.0, negative(y)); }
    if ((what & ADD) != 0u) { y += out[index]; }
    if ((what & ADD_GATED) != 0u) { y = out[index] + factor * y; }
    out[index] = y;
}
