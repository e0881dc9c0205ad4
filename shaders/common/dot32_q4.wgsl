// Blocks of 32 columns for the block matvec kernels: 4-bit weights.
fn dot_word(word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    let a = vec4<f32>(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
    let b = vec4<f32>(unpack4xU8((word >> 4u) & 0x0f0f0f0fu)) - 8.0;
    return dot(a, low) + dot(b, high);
}

// Dot product of block `index` of row n with inputs32, without the row's scale.
fn dot32(n: u32, index: u32, cols: u32) -> f32 {
    let codes = weight[n * (cols / 32u) + index];
    let pair = bitcast<i32>(scales[scales_of(n, cols) + 1u + index / 2u] >> ((index & 1u) * 16u));
    let left = dot_word(codes.x, inputs32[0], inputs32[1]) + dot_word(codes.y, inputs32[2], inputs32[3]);
    let right = dot_word(codes.z, inputs32[4], inputs32[5]) + dot_word(codes.w, inputs32[6], inputs32[7]);
    return left * f32(extractBits(pair, 0u, 8u)) + right * f32(extractBits(pair, 8u, 8u));
}
