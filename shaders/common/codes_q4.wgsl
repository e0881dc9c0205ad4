// Weights of weights_q4 as int8 for integer products.
alias Scale = vec2<i32>;  // of 16 columns and of the next 16

// 16 codes of row n, from column 16 quad, as stored.
struct Codes { words: vec2<u32>, scales: u32, quad: u32 }

fn codes16(n: u32, quad: u32, cols: u32) -> Codes {
    let both = weight[(n * cols + 16u * quad) / 32u];
    return Codes(select(both.xy, both.zw, quad % 2u == 1u), scales[scales_of(n, cols) + 1u + quad / 4u], quad);
}

// Four codes 0..15 in the bytes of a word become -8..7: no byte borrows from the next.
fn minus8(codes: u32) -> u32 { return ((codes | 0x80808080u) - 0x08080808u) ^ 0x80808080u; }

fn words(codes: Codes) -> vec4<u32> {
    let low = codes.words & vec2<u32>(0x0f0f0f0fu);
    let high = (codes.words >> vec2<u32>(4u)) & vec2<u32>(0x0f0f0f0fu);
    return vec4<u32>(minus8(low.x), minus8(high.x), minus8(low.y), minus8(high.y));
}

// Of this quad, an even one, and the next.
fn scale_of_codes(codes: Codes) -> Scale {
    let pair = bitcast<i32>(codes.scales >> (8u * (codes.quad & 2u)));
    return vec2<i32>(extractBits(pair, 0u, 8u), extractBits(pair, 8u, 8u));
}

// The sum over 32 columns without the scale of the row, given the sums of products of codes over 16 each: below 2^23, exact.
fn scaled(left: i32, right: i32, scale: Scale) -> f32 { return f32(left * scale.x + right * scale.y); }
