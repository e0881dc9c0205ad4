// Greedy decoding: token = argmax(logits), the first one on ties; then the step advances. One workgroup.
// The token is 0xffffffff if any logit is NaN or infinite: the host reports it.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the new token follows the last of them
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;  // [V], filled up to whole quads
//!include common/advance.wgsl
//!include common/finite.wgsl

const THREADS: u32 = 256u;

var<workgroup> values: array<f32, THREADS>;
var<workgroup> indices: array<u32, THREADS>;

const LEAST: f32 = -3.4e38;
const LOST: f32 = 3.4e38;  // stands for a logit that is not finite, so that it becomes the largest
const NOTHING: u32 = 0xffffffffu;
const PLACES: vec4<u32> = vec4<u32>(0u, 1u, 2u, 3u);

// Entries past the vocabulary are never the largest.
fn quad(i: u32) -> vec4<f32> {
    let found = logits[i];
    let comparable = select(found, vec4<f32>(LOST), not_finite4(found));
    return select(vec4<f32>(LEAST), comparable, 4u * i + PLACES < vec4<u32>(params.vocab));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    var best = vec4<f32>(LEAST);       // by place in a quad
    var index = vec4<u32>(NOTHING);    // the quads they are in
    let quads = (params.vocab + 3u) / 4u;
    // Four loads in flight: one at a time, each would stall. Past the end the last quad is read again, which changes nothing.
    for (var i = lane; i < quads; i += 4u * THREADS) {
        let at = min(i + PLACES * THREADS, vec4<u32>(quads - 1u));
        let quad0 = quad(at.x);
        let quad1 = quad(at.y);
        let quad2 = quad(at.z);
        let quad3 = quad(at.w);
        index = select(index, vec4<u32>(at.x), quad0 > best);
        best = select(best, quad0, quad0 > best);
        index = select(index, vec4<u32>(at.y), quad1 > best);
        best = select(best, quad1, quad1 > best);
        index = select(index, vec4<u32>(at.z), quad2 > best);
        best = select(best, quad2, quad2 > best);
        index = select(index, vec4<u32>(at.w), quad3 > best);
        best = select(best, quad3, quad3 > best);
    }
    let high = max(max(best.x, best.y), max(best.z, best.w));
    let winners = (best == vec4<f32>(high)) & (index != vec4<u32>(NOTHING));
    let tokens = select(vec4<u32>(NOTHING), 4u * index + PLACES, winners);
    values[lane] = high;
    indices[lane] = min(min(tokens.x, tokens.y), min(tokens.z, tokens.w));
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
    if (lane == 0u) { emit(select(indices[0], NOTHING, values[0] >= LOST), params.rows); }
}
