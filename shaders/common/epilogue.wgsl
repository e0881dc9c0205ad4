// The end of a matmul or matvec: y = activation(sum + bias), then out = y, out += y (residual) or out += tanh(gate) * y (gated residual).
// `params.epilogue` says which. Overrides instead would make every combination a pipeline of its own, and these are the
// kernels that take longest to compile.
//!include common/epilogue_bits.wgsl
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
