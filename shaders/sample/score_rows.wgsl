// For the rows of a batch: the most likely token with its log-probability, the first one on ties, and the log-probability of a given
// token. With ADVANCE the most likely token becomes the row's next one, and its position advances. One workgroup per row.
// The token is 0xffffffff if any logit is NaN or infinite: the host reports it.
struct Params {
    vocab: u32,  // V
}
struct Score {
    token: u32,
    logprob: f32,
    target_logprob: f32,
    pad_0: u32,
}
//!include common/rows.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;            // [rows, V]
@group(0) @binding(2) var<storage, read> targets: array<u32>;           // [rows]
@group(0) @binding(3) var<storage, read_write> scores: array<Score>;    // [rows]
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;      // [rows], with ADVANCE
@group(0) @binding(5) var<storage, read_write> rows: array<Row>;        // [rows], with ADVANCE
//!include common/most_likely.wgsl

const THREADS: u32 = 256u;

override ADVANCE: u32 = 0u;

var<private> first: u32;  // logit of token 0 of the row

fn logits4(i: u32) -> vec4<f32> {
    let last = params.vocab - 1u;
    let at = first + min(4u * i + places(), vec4<u32>(last));
    return vec4<f32>(logits[at.x], logits[at.y], logits[at.z], logits[at.w]);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group_id.x;
    first = row * params.vocab;
    let best = most_likely(lane);
    if (lane != 0u) { return; }
    let target_logit = logits[first + min(targets[row], params.vocab - 1u)];
    scores[row] = Score(best.token, -best.log_sum, (target_logit - best.logit) - best.log_sum, 0u);
    if (ADVANCE == 1u) {
        tokens[row] = best.token;
        rows[row].position += 1u;
    }
}
