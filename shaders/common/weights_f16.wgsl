// Weights W [N, K] in float16, two per u32. No `enable f16`: unpacking works on every adapter.
alias Quad = vec2<u32>;  // four neighbouring columns of a row, as stored

fn values4(quad: Quad) -> vec4<f32> { return vec4<f32>(unpack2x16float(quad.x), unpack2x16float(quad.y)); }

//!include common/weights_float.wgsl
