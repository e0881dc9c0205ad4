// The end of a matmul as in epilogue.wgsl, for four neighbouring outputs.
//!include common/epilogue_bits.wgsl

fn gelu4(x: vec4<f32>) -> vec4<f32> { return vec4<f32>(gelu(x.x), gelu(x.y), gelu(x.z), gelu(x.w)); }

fn negative4(x: vec4<f32>) -> vec4<bool> { return vec4<bool>(negative(x.x), negative(x.y), negative(x.z), negative(x.w)); }

fn finish4(index: u32, column: u32, sums: vec4<f32>, factor: f32) {
    let what = params.epilogue;
    var y = sums;
    if ((what & BIAS) != 0u) { y += bias[column / 4u]; }
    if ((what & GELU) != 0u) { y = gelu4(y); }
    if ((what & RELU) != 0u) { y = select(y, vec4<f32>(), negative4(y)); }
    if ((what & ADD) != 0u) { y += out[index / 4u]; }
    if ((what & ADD_GATED) != 0u) { y = out[index / 4u] + factor * y; }
    out[index / 4u] = y;
}
