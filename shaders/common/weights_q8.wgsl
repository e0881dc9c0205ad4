// Weights W [N, K] as int8 codes; value = code * scale of its group of 32 columns. K is a multiple of 32.
@group(0) @binding(1) var<storage, read> weight: array<vec4<u32>>;  // [N, K/16], 16 codes each
@group(0) @binding(2) var<storage, read> scales: array<u32>;        // [N, K/32] float16, two per u32

const SHARED: u32 = 32u;  // columns that share a scale

// Only q4 rows have a scale of their own (see weights_q4).
fn row_scale(n: u32, cols: u32) -> f32 { return 1.0; }

fn scale_in(word: u32, odd: bool) -> f32 {
    let pair = unpack2x16float(word);
    return select(pair.x, pair.y, odd);
}

fn scale_of(group: u32) -> f32 { return scale_in(scales[group / 2u], (group & 1u) == 1u); }

// The scale that columns k..k+3 of row n share with the rest of their group, read once per group.
fn shared_scale(n: u32, k: u32, cols: u32) -> f32 { return scale_of((n * cols + k) / 32u); }

// Columns k..k+3 of row n, given their scale; k is a multiple of 4.
fn scaled4(n: u32, k: u32, cols: u32, scale: f32) -> vec4<f32> {
    let element = n * cols + k;
    return vec4<f32>(unpack4xI8(weight[element / 16u][(element / 4u) & 3u])) * scale;
}

// Columns k..k+3 of row n as stored, for kernels that load ahead of use; k is a multiple of 4.
struct Quad { codes: u32, scales: u32, odd: bool }

fn quad4(n: u32, k: u32, cols: u32) -> Quad {
    let element = n * cols + k;
    return Quad(weight[element / 16u][(element / 4u) & 3u], scales[element / 64u], ((element / 32u) & 1u) == 1u);
}

fn values4(quad: Quad) -> vec4<f32> { return vec4<f32>(unpack4xI8(quad.codes)) * scale_in(quad.scales, quad.odd); }

fn weight4(n: u32, k: u32, cols: u32) -> vec4<f32> { return values4(quad4(n, k, cols)); }
