// What `matvec` takes of rows in float16.
// Where 32 columns of a row begin: too many bytes to be held in registers ahead of their use.
struct Piece { quad: u32 }

// `index` counts blocks of 32 columns; K is a multiple of 32 here.
fn piece(n: u32, index: u32, cols: u32) -> Piece { return Piece(n * (cols / 4u) + index * 8u); }

fn quad_dot(quad: u32, x: vec4<f32>) -> f32 {
    let packed = weight[quad];
    return dot(vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y)), x);
}

// Dot product with the inputs that meet it.
fn dot_piece(p: Piece, own: Inputs) -> f32 {
    let left = quad_dot(p.quad, own.x0) + quad_dot(p.quad + 1u, own.x1) + quad_dot(p.quad + 2u, own.x2) + quad_dot(p.quad + 3u, own.x3);
    let right = quad_dot(p.quad + 4u, own.x4) + quad_dot(p.quad + 5u, own.x5) + quad_dot(p.quad + 6u, own.x6) + quad_dot(p.quad + 7u, own.x7);
    return left + right;
}
