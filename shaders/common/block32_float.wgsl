// Blocks of 32 columns for the staged matvec kernels: float32 and float16 weights.
// Only where a block starts: its 128 or 64 bytes are too many to hold in registers ahead of use.
struct Block32 { quad: u32 }

// Block `index` of row n; K is a multiple of 32.
fn block32(n: u32, index: u32, cols: u32) -> Block32 { return Block32(n * (cols / 4u) + index * 8u); }

fn quad_dot(quad: u32, x: vec4<f32>) -> f32 { return dot(values4(weight[quad]), x); }

// Dot product of a block with its 32 inputs.
fn dot_block32(b: Block32, x: Inputs) -> f32 {
    let left = quad_dot(b.quad, x.x0) + quad_dot(b.quad + 1u, x.x1) + quad_dot(b.quad + 2u, x.x2) + quad_dot(b.quad + 3u, x.x3);
    let right = quad_dot(b.quad + 4u, x.x4) + quad_dot(b.quad + 5u, x.x5) + quad_dot(b.quad + 6u, x.x6) + quad_dot(b.quad + 7u, x.x7);
    return left + right;
}
