// 4-bit weights (see weights_q4) as texels: a block of 32 columns is one texel, and two blocks share a word of scales.
//!include common/texels.wgsl
@group(0) @binding(1) var weight: texture_2d<u32>;  // [N, K/32], four words
@group(0) @binding(2) var scales: texture_2d<u32>;  // [N, 1 + ceil(K/64)], one word

fn scales_of(n: u32) -> u32 { return n * (1u + (params.cols + 63u) / 64u); }

// The texel with half h of block b of row n.
fn weight_texel(n: u32, b: u32, h: u32) -> vec4<u32> {
    return textureLoad(weight, place(n * (params.cols / 32u) + b), 0);
}

// The word with the scales of block b of row n.
fn scale_word(n: u32, b: u32) -> u32 { return textureLoad(scales, place(scales_of(n) + 1u + b / 2u), 0).x; }

fn scale_of(word: u32, n: u32, b: u32, h: u32) -> f32 {
    return f32(extractBits(bitcast<i32>(word), (b & 1u) * 16u + h * 8u, 8u));
}

// Quad q of half h of a texel, without the scale.
fn codes4(texel: vec4<u32>, h: u32, q: u32) -> vec4<f32> {
    return vec4<f32>(unpack4xU8((texel[2u * h + q / 2u] >> ((q & 1u) * 4u)) & 0x0f0f0f0fu)) - 8.0;
}

// Every sum over row n is multiplied by this once, at the end.
fn row_scale(n: u32) -> f32 { return bitcast<f32>(textureLoad(scales, place(scales_of(n)), 0).x); }
