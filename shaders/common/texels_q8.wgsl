// 8-bit weights (see weights_q8) as texels: a block of 32 columns is two texels of 16 codes, and two blocks share a word of scales.
//!include common/texels.wgsl
@group(0) @binding(1) var weight: texture_2d<u32>;  // [N, K/16], four words
@group(0) @binding(2) var scales: texture_2d<u32>;  // [N, K/32] float16, two to a texel of one word

// Half h of block b of row n.
fn weight_texel(n: u32, b: u32, h: u32) -> vec4<u32> {
    return textureLoad(weight, place(n * (params.cols / 16u) + 2u * b + h), 0);
}

// The word with the scales of block b of row n.
fn scale_word(n: u32, b: u32) -> u32 { return textureLoad(scales, place((n * (params.cols / 32u) + b) / 2u), 0).x; }

fn scale_of(word: u32, n: u32, b: u32, h: u32) -> f32 {
    let pair = unpack2x16float(word);
    return select(pair.x, pair.y, ((n * (params.cols / 32u) + b) & 1u) == 1u);
}

// Quad q of the texel of half h, without the scale.
fn codes4(texel: vec4<u32>, h: u32, q: u32) -> vec4<f32> { return vec4<f32>(unpack4xI8(texel[q])); }

fn row_scale(n: u32) -> f32 { return 1.0; }
