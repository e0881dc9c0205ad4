// Samples a token in the order of the published implementation: repetition penalty, temperature, top-k (with ties of the k-th), top-p,
// min-p, random number; then the step advances. Nothing is sorted: radix selection on the logits' bit patterns finds the thresholds.
// Probability mass is counted in integers, so that the result does not depend on the order of additions. One workgroup; THREADS = 256.
// The token is 0xffffffff if any logit is NaN or infinite: the host reports it.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the new token follows the last of them
}
struct Sampling {
    temperature: f32,
    top_p: f32,
    min_p: f32,
    repetition_penalty: f32,
    top_k: u32,  // 0: off
    pad_0: u32,
    pad_1: u32,
    pad_2: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<vec4<f32>>;  // [V], filled up to whole quads
@group(0) @binding(2) var<uniform> sampling: Sampling;
@group(0) @binding(3) var<storage, read_write> seen: array<u32>;  // one bit per token of the prompt or the answer so far
//!include common/advance.wgsl
//!include common/reduce.wgsl
//!include common/most_likely.wgsl

const NONE: f32 = -3.4e38;  // logit where there is no token
const LIMB: f32 = 4096.0;  // mass is held in three limbs of 12 bits: V additions of each stay below 2^32

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> limbs: array<atomic<u32>, 768>;
var<workgroup> chosen: u32;
var<workgroup> rest: f32;

fn logits4(i: u32) -> vec4<f32> { return logits[i]; }

// The transformed logits of tokens 4q..4q+3; NONE, which is never sampled, past the vocabulary; LOST for NaN and infinities.
fn values4(q: u32) -> vec4<f32> {
    let marks = vec4<u32>(seen[q / 8u] >> (4u * (q % 8u))) & vec4<u32>(1u, 2u, 4u, 8u);
    let found = logits[q];
    var x = found;
    let penalised = select(x / sampling.repetition_penalty, x * sampling.repetition_penalty, x < vec4<f32>(0.0));
    x = select(x, penalised, marks != vec4<u32>(0u)) / sampling.temperature;
    x = select(x, vec4<f32>(LOST), not_finite4(found));
    return select(vec4<f32>(NONE), x, 4u * q + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.vocab));
}

// The same, past the last quad too.
fn further4(q: u32, quads: u32) -> vec4<f32> {
    return select(vec4<f32>(NONE), values4(min(q, quads - 1u)), q < quads);
}

// Maps floats to integers of the same order.
fn key(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

fn clear(lane: u32) {
    atomicStore(&counts[lane], 0u);
    for (var i = 0u; i < 3u; i += 1u) { atomicStore(&limbs[3u * lane + i], 0u); }
}

fn add_mass(bin: u32, mass: f32) {
    let first = mass * LIMB;
    let second = fract(first) * LIMB;
    atomicAdd(&limbs[3u * bin], u32(first));
    atomicAdd(&limbs[3u * bin + 1u], u32(second));
    atomicAdd(&limbs[3u * bin + 2u], u32(fract(second) * LIMB));
}

fn bin_mass(bin: u32) -> f32 {
    let low = f32(atomicLoad(&limbs[3u * bin + 2u])) / LIMB + f32(atomicLoad(&limbs[3u * bin + 1u]));
    return (low / LIMB + f32(atomicLoad(&limbs[3u * bin]))) / LIMB;
}

// The tokens that a pass of radix selection counts: those with these high bits, not below the floor.
struct Bin { prefix: u32, mask: u32, shift: u32, floor: u32, by_mass: bool, peak: f32 }

fn count(x: f32, bin: Bin) {
    let k = key(x);
    if ((k & bin.mask) != bin.prefix || k < bin.floor) { return; }
    let slot = (k >> bin.shift) & 255u;
    atomicAdd(&counts[slot], 1u);
    if (bin.by_mass) { add_mass(slot, exp(x - bin.peak)); }
}

fn count4(x: vec4<f32>, bin: Bin) {
    count(x.x, bin);
    count(x.y, bin);
    count(x.z, bin);
    count(x.w, bin);
}

// Key of the lowest token left when tokens are taken from the top until `budget` (a count, or mass with by_mass) is used up.
// Tokens below `floor` do not count.
fn threshold(budget: f32, by_mass: bool, floor: u32, peak: f32, lane: u32) -> u32 {
    let quads = (params.vocab + 3u) / 4u;
    var bin = Bin(0u, 0u, 24u, max(floor, key(NONE) + 1u), by_mass, peak);
    var left = budget;
    for (var round = 0u; round < 4u; round += 1u) {
        workgroupBarrier();
        clear(lane);
        workgroupBarrier();
        // Two loads in flight, here and below: one at a time, each would stall.
        for (var q = lane; q < quads; q += 2u * THREADS) {
            let near = values4(q);
            let far = further4(q + THREADS, quads);
            count4(near, bin);
            count4(far, bin);
        }
        workgroupBarrier();
        if (lane == 0u) {
            var lowest = 0u;
            for (var b = 0u; b < 256u; b += 1u) {
                let slot = 255u - b;
                let tokens = atomicLoad(&counts[slot]);
                if (tokens == 0u) { continue; }
                lowest = slot;
                let amount = select(f32(tokens), bin_mass(slot), by_mass);
                if (amount >= left) { break; }
                left -= amount;
            }
            chosen = lowest;
            rest = left;
        }
        workgroupBarrier();
        bin.prefix |= chosen << bin.shift;
        bin.mask |= 255u << bin.shift;
        bin.shift -= 8u;
        left = rest;
    }
    return bin.prefix;
}

// Probability mass of a token relative to the largest, 0 if it was ruled out.
fn mass_of(x: f32, floor: u32, peak: f32) -> f32 {
    let mass = exp(x - peak);
    return select(0.0, mass, x > NONE && key(x) >= floor && mass >= sampling.min_p);
}

// The same of four tokens without min-p, which comes after top-p.
fn all_mass4(x: vec4<f32>, floor: u32, peak: f32) -> f32 {
    let mass = exp(x - peak);
    let allowed = vec4<bool>(key(x.x) >= floor, key(x.y) >= floor, key(x.z) >= floor, key(x.w) >= floor);
    return dot(select(vec4<f32>(), mass, allowed & (x > vec4<f32>(NONE))), vec4<f32>(1.0));
}

fn mass_of4(x: vec4<f32>, floor: u32, peak: f32) -> f32 {
    return (mass_of(x.x, floor, peak) + mass_of(x.y, floor, peak)) + (mass_of(x.z, floor, peak) + mass_of(x.w, floor, peak));
}

// pcg3d (Jarzynski and Olano 2020) of the seed and a counter: no state to carry from step to step. In [0, 1).
fn uniform_number(counter: u32) -> f32 {
    var v = vec3<u32>(step.seed_lo, step.seed_hi, counter) * 1664525u + 1013904223u;
    v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
    v ^= v >> vec3<u32>(16u);
    v.x += v.y * v.z;
    return f32(v.x >> 8u) / 16777216.0;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    let best = most_likely(lane);
    let quads = (params.vocab + 3u) / 4u;
    var high4 = vec4<f32>(NONE);
    for (var q = lane; q < quads; q += 2u * THREADS) { high4 = max(high4, max(values4(q), further4(q + THREADS, quads))); }
    let peak = workgroup_max(max(max(high4.x, high4.y), max(high4.z, high4.w)), lane);
    var floor = 0u;
    if (sampling.top_k > 0u && sampling.top_k < params.vocab) {
        floor = threshold(f32(sampling.top_k), false, 0u, peak, lane);
    }
    if (sampling.top_p < 1.0) {
        var mass = 0.0;
        for (var q = lane; q < quads; q += 2u * THREADS) {
            mass += all_mass4(values4(q), floor, peak) + all_mass4(further4(q + THREADS, quads), floor, peak);
        }
        let total = workgroup_sum(mass, lane);
        floor = threshold(sampling.top_p * total, true, floor, peak, lane);
    }
    // Every thread sums a run of neighbouring quads; thread 0 walks the runs, then the tokens of one run, in order of index.
    let run = (quads + THREADS - 1u) / THREADS;
    var sum = 0.0;
    for (var q = lane * run; q < min((lane + 1u) * run, quads); q += 1u) { sum += mass_of4(values4(q), floor, peak); }
    workgroupBarrier();
    lanes[lane] = sum;
    workgroupBarrier();
    if (lane != 0u) { return; }
    var total = 0.0;
    for (var i = 0u; i < THREADS; i += 1u) { total += lanes[i]; }
    let goal = uniform_number(step.position + params.rows - step.prompt_length) * total;
    var before = 0.0;
    var at = 0u;
    while (at < THREADS - 1u && before + lanes[at] <= goal) {
        before += lanes[at];
        at += 1u;
    }
    var token = 0u;
    for (var i = 4u * at * run; i < min(4u * (at + 1u) * run, params.vocab); i += 1u) {
        let mass = mass_of(values4(i / 4u)[i % 4u], floor, peak);
        if (mass == 0.0) { continue; }
        token = i;
        before += mass;
        if (before > goal) { break; }
    }
    if (peak >= LOST || not_finite(total) || !(total > 0.0)) { token = 0xffffffffu; }
    if (token < params.vocab) { seen[token / 32u] |= 1u << (token % 32u); }
    let found = min(token, params.vocab - 1u);
    emit(token, (logits[found / 4u][found % 4u] - best.logit) - best.log_sum, params.rows);
}
