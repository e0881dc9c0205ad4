// tanh from exp: the built-in may be a coarse approximation, and a gate multiplies a whole block. An infinite gate stays infinite.
//!include common/finite.wgsl
fn exact_tanh(x: f32) -> f32 {
    let e = exp(-2.0 * abs(x));
    let y = (1.0 - e) / (1.0 + e);
    return select(select(y, -y, x < 0.0), x, not_finite(x));
}
