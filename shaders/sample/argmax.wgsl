// Greedy decoding: token = argmax(logits), the first one on ties, with its log-probability; then the step advances. One workgroup.
// The token is 0xffffffff if any logit is NaN or infinite: the host reports it.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the new token follows the last of them
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;  // [V], filled up to whole quads
//!include common/advance.wgsl
//!include common/most_likely.wgsl

const THREADS: u32 = 256u;

fn logits4(i: u32) -> vec4<f32> { return logits[i]; }

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    let best = most_likely(lane);
    if (lane == 0u) { emit(best.token, -best.log_sum, params.rows); }
}
