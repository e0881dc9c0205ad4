// Weights W [N, K] as 4-bit codes 0..15; value = (code - 8) * group scale * row scale. K is a multiple of 32.
// A u32 holds columns 8w..8w+7: byte b is code[8w + b] | code[8w + b + 4] << 4, so that one mask yields four neighbours.
// The scales of a row: its float32 scale, then one int8 scale per group of 16 columns, padded to a whole word.
@group(0) @binding(1) var<storage, read> weight: array<vec4<u32>>;  // [N, K/32], 32 codes each
@group(0) @binding(2) var<storage, read> scales: array<u32>;        // [N, 1 + ceil(K/64)]

const SHARED: u32 = 16u;  // columns that share a scale

fn scales_of(n: u32, cols: u32) -> u32 { return n * (1u + (cols + 63u) / 64u); }

// Every sum over row n is multiplied by this once, at the end: the functions below leave it out.
fn row_scale(n: u32, cols: u32) -> f32 { return bitcast<f32>(scales[scales_of(n, cols)]); }

// Columns k..k+3 in their words of codes and of scales.
fn codes_in(word: u32, k: u32) -> vec4<f32> { return vec4<f32>(unpack4xU8((word >> (k & 4u)) & 0x0f0f0f0fu)) - 8.0; }

fn scale_in(word: u32, k: u32) -> f32 { return f32(extractBits(bitcast<i32>(word), (k / 2u) & 24u, 8u)); }

// The scale that columns k..k+3 of row n share with the rest of their group, read once per group.
fn shared_scale(n: u32, k: u32, cols: u32) -> f32 { return scale_in(scales[scales_of(n, cols) + 1u + k / 64u], k); }

// Columns k..k+3 of row n, given their scale; k is a multiple of 4.
fn scaled4(n: u32, k: u32, cols: u32, scale: f32) -> vec4<f32> {
    let element = n * cols + k;
    return codes_in(weight[element / 32u][(element / 8u) & 3u], k) * scale;
}

// Columns k..k+3 of row n as stored, for kernels that load ahead of use; k is a multiple of 4.
struct Quad { codes: u32, scales: u32, k: u32 }

fn quad4(n: u32, k: u32, cols: u32) -> Quad {
    let element = n * cols + k;
    return Quad(weight[element / 32u][(element / 8u) & 3u], scales[scales_of(n, cols) + 1u + k / 64u], k);
}

fn values4(quad: Quad) -> vec4<f32> { return codes_in(quad.codes, quad.k) * scale_in(quad.scales, quad.k); }

fn weight4(n: u32, k: u32, cols: u32) -> vec4<f32> { return values4(quad4(n, k, cols)); }
