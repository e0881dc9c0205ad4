// Queries in float32, for kernels over keys of any precision.
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;

override ODD: u32 = 0u;  // 1: head_dim is no multiple of 4, and a head may start within a quad

// Elements d..d+3 of the head at `base`, zero past its end; d is a multiple of 4.
fn q4(base: u32, d: u32) -> vec4<f32> {
    if (ODD == 0u) { return q[(base + d) / 4u]; }
    var rest = vec4<f32>(0.0);
    for (var i = 0u; i < min(4u, params.head_dim - d); i += 1u) { rest[i] = q[(base + d + i) / 4u][(base + d + i) % 4u]; }
    return rest;
}
