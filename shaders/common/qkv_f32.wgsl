// Queries, keys and values of window_attention in a buffer.
@group(0) @binding(1) var<storage, read> qkv: array<vec4<f32>>;  // [images * side^2, 3C]: q, k, v, heads consecutive

override ODD: u32 = 0u;  // 1: head_dim is no multiple of 4, and a head may start within a quad

// Elements d..d+3 of a head, zero past its end.
fn head4(base: u32, d: u32, head_dim: u32) -> vec4<f32> {
    if (ODD == 0u) { return qkv[(base + d) / 4u]; }
    var rest = vec4<f32>(0.0);
    for (var i = 0u; i < min(4u, head_dim - d); i += 1u) { rest[i] = qkv[(base + d + i) / 4u][(base + d + i) % 4u]; }
    return rest;
}
