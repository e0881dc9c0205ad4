// What `matvec_block` takes of 4-bit rows.
fn dot_word(word: u32, low: vec4<f32>, high: vec4<f32>) -> f32 {
    let a = vec4<f32>(unpack4xU8(word & 0x0f0f0f0fu)) - 8.0;
    let b = vec4<f32>(unpack4xU8((word >> 4u) & 0x0f0f0f0fu)) - 8.0;
    return dot(a, low) + dot(b, high);
}

var<private> x_group: array<vec4<f32>, 8>;  // the 32 inputs that meet the current block

// Dot product of 32 columns of row n with x_group, yet to be multiplied with the row's scale; `group` counts blocks of 32 columns.
fn dot_group(n: u32, group: u32, cols: u32) -> f32 {
    let codes = weight[n * (cols / 32u) + group];
    let pair = bitcast<i32>(scales[scales_of(n, cols) + 1u + group / 2u] >> ((group & 1u) * 16u));
    let left = dot_word(codes.x, x_group[0], x_group[1]) + dot_word(codes.y, x_group[2], x_group[3]);
    let right = dot_word(codes.z, x_group[4], x_group[5]) + dot_word(codes.w, x_group[6], x_group[7]);
    return left * f32(extractBits(pair, 0u, 8u)) + right * f32(extractBits(pair, 8u, 8u));
}
