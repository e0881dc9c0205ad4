// The `count` most likely tokens with their log-probabilities, the smaller id first on ties: one pass over the vocabulary for each.
// One workgroup.
struct Params {
    vocab: u32,  // V
    count: u32,
}
struct TokenLogprob {
    id: u32,
    logprob: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;             // [V], filled up to whole quads
@group(0) @binding(2) var<storage, read_write> top: array<TokenLogprob>;       // [count]
//!include common/most_likely.wgsl

const THREADS: u32 = 256u;

var<private> last_logit: f32;  // of the token before in the ranking
var<private> last_token: u32;

// Tokens that were ranked already count as -3.4e38.
fn logits4(i: u32) -> vec4<f32> {
    let found = logits[i];
    let ids = 4u * i + places();
    let ranked = (found > vec4<f32>(last_logit)) | ((found == vec4<f32>(last_logit)) & (ids <= vec4<u32>(last_token)));
    return select(found, vec4<f32>(LEAST), ranked & vec4<bool>(last_token != NOTHING));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    last_logit = LOST;
    last_token = NOTHING;
    var largest = 0.0;
    var log_sum = 0.0;  // of all tokens, relative to the largest logit
    for (var rank = 0u; rank < params.count; rank += 1u) {
        let best = most_likely(lane);
        if (rank == 0u) {
            largest = best.logit;
            log_sum = best.log_sum;
        }
        if (lane == 0u) { top[rank] = TokenLogprob(best.token, (best.logit - largest) - log_sum); }
        last_logit = best.logit;
        last_token = best.token;
    }
}
