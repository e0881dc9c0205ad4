// NaN and infinity, told by the exponent's bits: compilers may assume that neither occurs and drop comparisons that would find them.
// Whatever picks, clamps or bounds a value passes them on with these, so that they reach a check instead of ending as a finite number.
fn not_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}

fn not_finite4(x: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u);
}

// Whether x is finite and negative, or -0: one subtraction and one comparison of the bits 0x80000000 to 0xff7fffff.
fn negative(x: f32) -> bool {
    return bitcast<u32>(x) - 0x80000000u < 0x7f800000u;
}

// 1 / sqrt(x). An x that overflowed stays what it is: its reciprocal root, 0, would hide it.
fn reciprocal_root(x: f32) -> f32 {
    return select(1.0 / sqrt(x), x, not_finite(x));
}
