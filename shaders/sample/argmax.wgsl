// Greedy choice: the index of the largest logit, the first one on ties; then the step advances. One workgroup.
// When no logit is finite the token is 0xffffffff, which the host reports.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the chosen token follows the last of them
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;  // [V]
//!include common/advance.wgsl

const THREADS: u32 = 256u;

var<workgroup> values: array<f32, THREADS>;
var<workgroup> indices: array<u32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    var best = -3.4e38;
    var index = 0xffffffffu;
    for (var i = lane; i < params.vocab; i += THREADS) {
        if (logits[i] > best) {
            best = logits[i];
            index = i;
        }
    }
    values[lane] = best;
    indices[lane] = index;
    for (var width = THREADS / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if (lane < width) {
            let other = lane + width;
            if (values[other] > values[lane] || (values[other] == values[lane] && indices[other] < indices[lane])) {
                values[lane] = values[other];
                indices[lane] = indices[other];
            }
        }
    }
    if (lane == 0u) { emit(indices[0], params.rows); }
}
