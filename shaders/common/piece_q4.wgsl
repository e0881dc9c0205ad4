// What `matvec` takes of 4-bit rows.
// 32 columns of a row. The scales are taken out of their word when they are used: until then nothing waits for it.
struct Piece { codes: vec4<u32>, scales: u32, shift: u32 }

// `index` counts blocks of 32 columns.
fn piece(n: u32, index: u32, cols: u32) -> Piece {
    let word = scales[scales_of(n, cols) + 1u + index / 2u];
    return Piece(weight[n * (cols / 32u) + index], word, (index & 1u) * 16u);
}

fn plus_dot(sum: f32, codes: u32, x: vec4<f32>) -> f32 {
    let c = vec4<f32>(unpack4xU8(codes & 0x0f0f0f0fu));
    return sum + c.x * x.x + c.y * x.y + c.z * x.z + c.w * x.w;
}

fn plus_word(sum: f32, word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    return plus_dot(plus_dot(sum, word, low), word >> 4u, high);
}

// Dot product with the inputs that meet it, yet to be multiplied with the row's scale. sum (code - 8) x = sum code x - 8 sum x.
fn dot_piece(p: Piece, own: Inputs) -> f32 {
    let left = plus_word(plus_word(-8.0 * own.left, p.codes.x, own.x0, own.x1), p.codes.y, own.x2, own.x3);
    let right = plus_word(plus_word(-8.0 * own.right, p.codes.z, own.x4, own.x5), p.codes.w, own.x6, own.x7);
    let pair = bitcast<i32>(p.scales >> p.shift);
    return left * f32(extractBits(pair, 0u, 8u)) + right * f32(extractBits(pair, 8u, 8u));
}
