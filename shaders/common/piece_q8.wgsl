// What `matvec` takes of 8-bit rows.
// 32 columns of a row. The scale is taken out of its word when it is used: until then nothing waits for it.
struct Piece { low: vec4<u32>, high: vec4<u32>, scales: u32, odd: bool }

// `index` counts blocks of 32 columns.
fn piece(n: u32, index: u32, cols: u32) -> Piece {
    let at = n * (cols / 32u) + index;
    return Piece(weight[2u * at], weight[2u * at + 1u], scales[at / 2u], (at & 1u) == 1u);
}

fn code_dot(word: u32, x: vec4<f32>) -> f32 { return dot(vec4<f32>(unpack4xI8(word)), x); }

// Dot product with the inputs that meet it.
fn dot_piece(p: Piece, own: Inputs) -> f32 {
    let left = code_dot(p.low.x, own.x0) + code_dot(p.low.y, own.x1) + code_dot(p.low.z, own.x2) + code_dot(p.low.w, own.x3);
    let right = code_dot(p.high.x, own.x4) + code_dot(p.high.y, own.x5) + code_dot(p.high.z, own.x6) + code_dot(p.high.w, own.x7);
    return (left + right) * scale_in(p.scales, p.odd);
}
