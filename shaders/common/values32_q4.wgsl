// Blocks of 32 columns for matmul_strip: 4-bit weights.
fn codes4(word: u32) -> vec4<f32> { return vec4<f32>(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0; }

// Block `index` of row n as eight quads, without the row's scale.
fn values32(n: u32, index: u32, cols: u32) -> Values32 {
    let codes = weight[n * (cols / 32u) + index];
    let pair = bitcast<i32>(scales[scales_of(n, cols) + 1u + index / 2u] >> ((index & 1u) * 16u));
    let left = f32(extractBits(pair, 0u, 8u));
    let right = f32(extractBits(pair, 8u, 8u));
    return Values32(
        codes4(codes.x) * left, codes4(codes.x >> 4u) * left, codes4(codes.y) * left, codes4(codes.y >> 4u) * left,
        codes4(codes.z) * right, codes4(codes.z >> 4u) * right, codes4(codes.w) * right, codes4(codes.w >> 4u) * right,
    );
}
