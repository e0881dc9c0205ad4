// Activations of the model.

// erf by Abramowitz & Stegun 7.1.26: absolute error <= 1.5e-7, below what float32 GELU needs (1e-6).
fn erf(x: f32) -> f32 {
    let a = abs(x);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    let y = 1.0 - poly * exp(-a * a);
    return select(y, -y, x < 0.0);
}

fn gelu(x: f32) -> f32 {
    return 0.5 * x * (1.0 + erf(x * 0.70710678118654752));
}

fn silu(x: f32) -> f32 {
    return x / (1.0 + exp(-x));
}
