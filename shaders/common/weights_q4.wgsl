// Matrix [N, K] as 4-bit codes 0..15 with one float16 scale per 32 columns; value = (code - 8) * scale. K is a multiple of 32.
// A u32 holds columns 8w..8w+7: byte b is code[8w + b] | code[8w + b + 4] << 4, so one mask yields four neighbours.
@group(0) @binding(1) var<storage, read> weight: array<vec4<u32>>;  // one group of 32 codes each
@group(0) @binding(2) var<storage, read> scales: array<u32>;  // [N, K/32] float16, two per u32

fn scale_of(group: u32) -> f32 {
    let pair = unpack2x16float(scales[group / 2u]);
    return select(pair.x, pair.y, (group & 1u) == 1u);
}

// The scale that elements k..k+3 of row n share with the rest of their group of 32, read once for all of them.
fn shared_scale(n: u32, k: u32, cols: u32) -> f32 { return scale_of((n * cols + k) / 32u); }

// Elements k..k+3 of row n, given their scale; k is a multiple of 4.
fn scaled4(n: u32, k: u32, cols: u32, scale: f32) -> vec4<f32> {
    let element = n * cols + k;
    let codes = unpack4xU8((weight[element / 32u][(element / 8u) & 3u] >> (element & 4u)) & 0x0f0f0f0fu);
    return (vec4<f32>(codes) - 8.0) * scale;
}

// Elements k..k+3 of row n; k is a multiple of 4.
fn weight4(n: u32, k: u32, cols: u32) -> vec4<f32> { return scaled4(n, k, cols, shared_scale(n, k, cols)); }

fn dot_word(word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    let a = vec4<f32>(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
    let b = vec4<f32>(unpack4xU8((word >> 4u) & 0x0f0f0f0fu)) - 8.0;
    return dot(a, low) + dot(b, high);
}

var<private> x_group: array<vec4<f32>, 8>;  // the 32 inputs that meet the current group

// Dot product of 32 columns of row n with x_group; `group` counts groups of 32 columns.
fn dot_group(n: u32, group: u32, cols: u32) -> f32 {
    let index = n * (cols / 32u) + group;
    let codes = weight[index];
    var sum = dot_word(codes.x, x_group[0], x_group[1]) + dot_word(codes.y, x_group[2], x_group[3]);
    sum += dot_word(codes.z, x_group[4], x_group[5]) + dot_word(codes.w, x_group[6], x_group[7]);
    return sum * scale_of(index);
}
