// Blocks of 32 columns for the block matvec kernels: 8-bit weights.
// Dot product of block `index` of row n with inputs32.
fn dot32(n: u32, index: u32, cols: u32) -> f32 {
    let at = n * (cols / 32u) + index;
    let low = weight[2u * at];
    let high = weight[2u * at + 1u];
    var sum = dot(vec4<f32>(unpack4xI8(low.x)), inputs32[0]) + dot(vec4<f32>(unpack4xI8(low.y)), inputs32[1]);
    sum += dot(vec4<f32>(unpack4xI8(low.z)), inputs32[2]) + dot(vec4<f32>(unpack4xI8(low.w)), inputs32[3]);
    sum += dot(vec4<f32>(unpack4xI8(high.x)), inputs32[4]) + dot(vec4<f32>(unpack4xI8(high.y)), inputs32[5]);
    sum += dot(vec4<f32>(unpack4xI8(high.z)), inputs32[6]) + dot(vec4<f32>(unpack4xI8(high.w)), inputs32[7]);
    return sum * scale_of(at);
}
