// Queries, keys and values of window_attention as texels, for software adapters (see matmul_texels). head_dim is a multiple of 4.
//!include common/texels.wgsl
@group(0) @binding(1) var qkv: texture_2d<u32>;  // [images * side^2, 3C / 4], bits of four float32: q, k, v, heads consecutive

// Elements d..d+3 of a head.
fn head4(base: u32, d: u32, head_dim: u32) -> vec4<f32> {
    return bitcast<vec4<f32>>(textureLoad(qkv, place((base + d) / 4u), 0));
}
