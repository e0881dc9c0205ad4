// Blocks of 32 columns for the staged matvec kernels: 4-bit weights.
// The two scales stay in their word until they are used, so that the load does not stall anything before.
struct Block32 { codes: vec4<u32>, scales: u32, shift: u32 }

// Block `index` of row n.
fn block32(n: u32, index: u32, cols: u32) -> Block32 {
    let word = scales[scales_of(n, cols) + 1u + index / 2u];
    return Block32(weight[n * (cols / 32u) + index], word, (index & 1u) * 16u);
}

fn plus_dot(sum: f32, codes: u32, x: vec4<f32>) -> f32 {
    let c = vec4<f32>(unpack4xU8(codes & 0x0f0f0f0fu));
    return sum + c.x * x.x + c.y * x.y + c.z * x.z + c.w * x.w;
}

fn plus_word(sum: f32, word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    return plus_dot(plus_dot(sum, word, low), word >> 4u, high);
}

// Dot product of a block with its 32 inputs, without the row's scale. sum (code - 8) x = sum code x - 8 sum x.
fn dot_block32(b: Block32, x: Inputs) -> f32 {
    let left = plus_word(plus_word(-8.0 * x.left, b.codes.x, x.x0, x.x1), b.codes.y, x.x2, x.x3);
    let right = plus_word(plus_word(-8.0 * x.right, b.codes.z, x.x4, x.x5), b.codes.w, x.x6, x.x7);
    let pair = bitcast<i32>(b.scales >> b.shift);
    return left * f32(extractBits(pair, 0u, 8u)) + right * f32(extractBits(pair, 8u, 8u));
}
