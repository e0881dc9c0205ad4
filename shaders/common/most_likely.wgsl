// The largest logit of a row, the first token that has it, and log(sum(exp(logit))), in one pass over the vocabulary.
// The kernel defines logits4(i), logits 4i to 4i + 3; params.vocab is their number, and THREADS that of the workgroup's threads.
//!include common/finite.wgsl
const MOST_THREADS: u32 = 256u;
const LEAST: f32 = -3.4e38;
const LOST: f32 = 3.4e38;  // stands for a logit that is not finite, so that it becomes the largest
const NOTHING: u32 = 0xffffffffu;

struct MostLikely {
    token: u32,    // NOTHING if any logit is NaN or infinite
    logit: f32,
    log_sum: f32,  // log(sum(exp(logit - the largest)))
}

// Of the tokens that a thread saw, or several threads.
struct Ranked {
    token: u32,
    logit: f32,
    sum: f32,  // sum(exp(logit - the largest))
}

var<workgroup> ranked: array<Ranked, MOST_THREADS>;

fn merged(a: Ranked, b: Ranked) -> Ranked {
    let high = max(a.logit, b.logit);
    let sum = a.sum * exp(a.logit - high) + b.sum * exp(b.logit - high);
    let second = b.logit > a.logit || (b.logit == a.logit && b.token < a.token);
    return Ranked(select(a.token, b.token, second), high, sum);
}

// Places in a quad. A function: naga cannot order a constant vector before an override that sizes an array.
fn places() -> vec4<u32> { return vec4<u32>(0u, 1u, 2u, 3u); }

// Quad i; entries past the vocabulary are never the largest, and add nothing to the sum.
fn quad(i: u32) -> vec4<f32> {
    let found = logits4(min(i, (params.vocab - 1u) / 4u));
    let comparable = select(found, vec4<f32>(LOST), not_finite4(found));
    return select(vec4<f32>(LEAST), comparable, 4u * i + places() < vec4<u32>(params.vocab));
}

fn most_of(v: vec4<f32>) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }

fn most_likely(lane: u32) -> MostLikely {
    var best = vec4<f32>(LEAST);       // by place in a quad
    var index = vec4<u32>(NOTHING);    // the quads they are in
    var high = LEAST;
    var sum = vec4<f32>();
    let quads = (params.vocab + 3u) / 4u;
    // Four loads in flight: one at a time, each would stall.
    for (var i = lane; i < quads; i += 4u * THREADS) {
        let at = i + places() * THREADS;
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
        let higher = most_of(best);
        let here = (exp(quad0 - higher) + exp(quad1 - higher)) + (exp(quad2 - higher) + exp(quad3 - higher));
        sum = sum * exp(high - higher) + here;
        high = higher;
    }
    let winners = (best == vec4<f32>(high)) & (index != vec4<u32>(NOTHING));
    let tokens = select(vec4<u32>(NOTHING), 4u * index + places(), winners);
    workgroupBarrier();
    ranked[lane] = Ranked(min(min(tokens.x, tokens.y), min(tokens.z, tokens.w)), high, (sum.x + sum.y) + (sum.z + sum.w));
    for (var width = THREADS / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if (lane < width) { ranked[lane] = merged(ranked[lane], ranked[lane + width]); }
    }
    workgroupBarrier();
    let best_of_all = ranked[0];
    return MostLikely(select(best_of_all.token, NOTHING, best_of_all.logit >= LOST), best_of_all.logit, log(best_of_all.sum));
}
