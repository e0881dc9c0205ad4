// Blocks of 32 columns for matmul_strip: 8-bit weights.
fn codes4(word: u32, scale: f32) -> vec4<f32> { return vec4<f32>(unpack4xI8(word)) * scale; }

// Block `index` of row n as eight quads.
fn values32(n: u32, index: u32, cols: u32) -> Values32 {
    let at = n * (cols / 32u) + index;
    let low = weight[2u * at];
    let high = weight[2u * at + 1u];
    let s = scale_of(at);
    return Values32(
        codes4(low.x, s), codes4(low.y, s), codes4(low.z, s), codes4(low.w, s),
        codes4(high.x, s), codes4(high.y, s), codes4(high.z, s), codes4(high.w, s),
    );
}
