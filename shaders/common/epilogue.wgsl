// What happens to one element of a product before it is stored: bias, activation, then one of
// store, add to what is there (residual), or add scaled by tanh of a gate (Flamingo's gated residual).
//!include common/activation.wgsl
const STORE: u32 = 0u;
const ADD: u32 = 1u;
const ADD_GATED: u32 = 2u;

override BIAS: u32 = 0u;
override STORE_MODE: u32 = 0u;

// tanh from exp: the built-in may be a coarse approximation, and a gate multiplies a whole block.
fn exact_tanh(x: f32) -> f32 {
    let e = exp(-2.0 * abs(x));
    let y = (1.0 - e) / (1.0 + e);
    return select(y, -y, x < 0.0);
}

fn finish(index: u32, column: u32, product: f32) {
    var y = product;
    if (BIAS == 1u) { y += bias[column]; }
    y = activate(y);
    if (STORE_MODE == ADD) { y += out[index]; }
    if (STORE_MODE == ADD_GATED) { y = out[index] + exact_tanh(gate[0]) * y; }
    out[index] = y;
}
