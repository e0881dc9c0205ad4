// Keys and values in float32.
@group(0) @binding(2) var<storage, read> kv: array<vec4<f32>>;

// Elements d..d+3 of the head at `base`, zero past its end; d is a multiple of 4.
fn kv4(base: u32, d: u32) -> vec4<f32> {
    if (ODD == 0u) { return kv[(base + d) / 4u]; }
    var rest = vec4<f32>(0.0);
    for (var i = 0u; i < min(4u, params.head_dim - d); i += 1u) { rest[i] = kv[(base + d + i) / 4u][(base + d + i) % 4u]; }
    return rest;
}
