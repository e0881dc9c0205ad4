// Blocks of 32 columns for the block matvec kernels: float32 and float16 weights. K is a multiple of 32.
// Dot product of block `index` of row n with inputs32.
fn dot32(n: u32, index: u32, cols: u32) -> f32 {
    let base = (n * cols) / 4u + index * 8u;
    var sum = 0.0;
    for (var i = 0u; i < 8u; i += 1u) { sum += dot(values4(weight[base + i]), inputs32[i]); }
    return sum;
}
