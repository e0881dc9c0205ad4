// Greedy choice: the index of the largest logit, the first one on ties; then the step advances. One workgroup.
// When no logit is finite the token is 0xffffffff, which the host reports.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the chosen token follows the last of them
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;  // [V], filled up to whole quads
//!include common/advance.wgsl

const THREADS: u32 = 256u;

var<workgroup> values: array<f32, THREADS>;
var<workgroup> indices: array<u32, THREADS>;

// A logit and its token.
struct Choice { value: f32, index: u32 }

fn better(best: Choice, value: f32, index: u32) -> Choice {
    if (value > best.value && index < params.vocab) { return Choice(value, index); }
    return best;
}

fn best_of(best: Choice, quad: vec4<f32>, first: u32) -> Choice {
    return better(better(better(better(best, quad.x, first), quad.y, first + 1u), quad.z, first + 2u), quad.w, first + 3u);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    var best = Choice(-3.4e38, 0xffffffffu);
    let quads = (params.vocab + 3u) / 4u;
    // Four loads at once: a chip would wait for each. Past the end the last quad comes again, which changes nothing.
    for (var i = lane; i < quads; i += 4u * THREADS) {
        let i1 = min(i + THREADS, quads - 1u);
        let i2 = min(i + 2u * THREADS, quads - 1u);
        let i3 = min(i + 3u * THREADS, quads - 1u);
        let quad0 = logits[i];
        let quad1 = logits[i1];
        let quad2 = logits[i2];
        let quad3 = logits[i3];
        best = best_of(best_of(best, quad0, 4u * i), quad1, 4u * i1);
        best = best_of(best_of(best, quad2, 4u * i2), quad3, 4u * i3);
    }
    values[lane] = best.value;
    indices[lane] = best.index;
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
