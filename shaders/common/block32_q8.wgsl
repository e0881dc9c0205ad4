// Blocks of 32 columns for the staged matvec kernels: 8-bit weights.
// The scale stays in its word until it is used, so that the load does not stall anything before.
struct Block32 { low: vec4<u32>, high: vec4<u32>, scales: u32, odd: bool }

// Block `index` of row n.
fn block32(n: u32, index: u32, cols: u32) -> Block32 {
    let at = n * (cols / 32u) + index;
    return Block32(weight[2u * at], weight[2u * at + 1u], scales[at / 2u], (at & 1u) == 1u);
}

fn code_dot(word: u32, x: vec4<f32>) -> f32 { return dot(vec4<f32>(unpack4xI8(word)), x); }

// Dot product of a block with its 32 inputs.
fn dot_block32(b: Block32, x: Inputs) -> f32 {
    let left = code_dot(b.low.x, x.x0) + code_dot(b.low.y, x.x1) + code_dot(b.low.z, x.x2) + code_dot(b.low.w, x.x3);
    let right = code_dot(b.high.x, x.x4) + code_dot(b.high.y, x.x5) + code_dot(b.high.z, x.x6) + code_dot(b.high.w, x.x7);
    return (left + right) * scale_in(b.scales, b.odd);
}
