// Weights W [N, K] in float32.
alias Quad = vec4<f32>;  // four neighbouring columns of a row, as stored

fn values4(quad: Quad) -> vec4<f32> { return quad; }

//!include common/weights_float.wgsl
