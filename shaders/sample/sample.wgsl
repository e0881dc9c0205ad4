// Draws a token in the original's order: repetition penalty, temperature, top-k (ties with the k-th are kept), top-p, min-p, draw; then the
// step advances. No sorting: thresholds are found by radix selection on the logits' bit patterns, and probability mass is counted in
// integers, so that the result does not depend on the order of additions. One workgroup; THREADS = 256.
struct Params {
    vocab: u32,  // V
    rows: u32,   // tokens of this pass: the chosen token follows the last of them
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
@group(0) @binding(1) var<storage, read> logits: array<f32>;      // [V]
@group(0) @binding(2) var<uniform> sampling: Sampling;
@group(0) @binding(3) var<storage, read_write> seen: array<u32>;  // one bit per token of the prompt or the answer so far
//!include common/advance.wgsl
//!include common/reduce.wgsl

const LIMB: f32 = 4096.0;  // mass is kept as three limbs of 12 bits: V additions of each stay below 2^32

var<workgroup> counts: array<atomic<u32>, 256>;
var<workgroup> limbs: array<atomic<u32>, 768>;
var<workgroup> chosen: u32;
var<workgroup> rest: f32;

// The transformed logit of token i.
fn value(i: u32) -> f32 {
    var x = logits[i];
    if (((seen[i / 32u] >> (i % 32u)) & 1u) == 1u) {
        x = select(x / sampling.repetition_penalty, x * sampling.repetition_penalty, x < 0.0);
    }
    return x / sampling.temperature;
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

// The key of the lowest token that is kept when tokens are taken from the top until `budget` (tokens, or mass with by_mass) is used up.
// Tokens below `floor` do not count.
fn threshold(budget: f32, by_mass: bool, floor: u32, peak: f32, lane: u32) -> u32 {
    var prefix = 0u;
    var mask = 0u;
    var left = budget;
    for (var shift = 24i; shift >= 0i; shift -= 8i) {
        workgroupBarrier();
        clear(lane);
        workgroupBarrier();
        for (var i = lane; i < params.vocab; i += THREADS) {
            let x = value(i);
            let k = key(x);
            if ((k & mask) == prefix && k >= floor) {
                let bin = (k >> u32(shift)) & 255u;
                atomicAdd(&counts[bin], 1u);
                if (by_mass) { add_mass(bin, exp(x - peak)); }
            }
        }
        workgroupBarrier();
        if (lane == 0u) {
            var lowest = 0u;
            for (var b = 0u; b < 256u; b += 1u) {
                let bin = 255u - b;
                let count = atomicLoad(&counts[bin]);
                if (count == 0u) { continue; }
                lowest = bin;
                let amount = select(f32(count), bin_mass(bin), by_mass);
                if (amount >= left) { break; }
                left -= amount;
            }
            chosen = lowest;
            rest = left;
        }
        workgroupBarrier();
        prefix |= chosen << u32(shift);
        mask |= 255u << u32(shift);
        left = rest;
    }
    return prefix;
}

// Probability mass of token i relative to the largest, 0 if it was ruled out.
fn mass_of(i: u32, floor: u32, peak: f32) -> f32 {
    let x = value(i);
    let mass = exp(x - peak);
    return select(0.0, mass, key(x) >= floor && mass >= sampling.min_p);
}

// pcg3d (Jarzynski and Olano 2020) over the seed and the number of the draw: no state to carry from step to step.
fn uniform_number(draw: u32) -> f32 {
    var v = vec3<u32>(step.seed_lo, step.seed_hi, draw) * 1664525u + 1013904223u;
    v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
    v ^= v >> vec3<u32>(16u);
    v.x += v.y * v.z;
    return f32(v.x >> 8u) / 16777216.0;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_index) lane: u32) {
    var high = -3.4e38;
    for (var i = lane; i < params.vocab; i += THREADS) { high = max(high, value(i)); }
    let peak = workgroup_max(high, lane);
    var floor = 0u;
    if (sampling.top_k > 0u && sampling.top_k < params.vocab) {
        floor = threshold(f32(sampling.top_k), false, 0u, peak, lane);
    }
    if (sampling.top_p < 1.0) {
        var kept = 0.0;
        for (var i = lane; i < params.vocab; i += THREADS) { kept += select(0.0, exp(value(i) - peak), key(value(i)) >= floor); }
        let total = workgroup_sum(kept, lane);
        floor = threshold(sampling.top_p * total, true, floor, peak, lane);
    }
    // Every thread sums a run of neighbouring tokens; the draw walks the runs, then the tokens of one run, in order of index.
    let run = (params.vocab + THREADS - 1u) / THREADS;
    var sum = 0.0;
    for (var i = lane * run; i < min((lane + 1u) * run, params.vocab); i += 1u) { sum += mass_of(i, floor, peak); }
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
    for (var i = at * run; i < min((at + 1u) * run, params.vocab); i += 1u) {
        let mass = mass_of(i, floor, peak);
        if (mass == 0.0) { continue; }
        token = i;
        before += mass;
        if (before > goal) { break; }
    }
    if (!(total > 0.0)) { token = 0xffffffffu; }  // no logit is finite: the host reports it
    if (token < params.vocab) { seen[token / 32u] |= 1u << (token % 32u); }
    emit(token, params.rows);
}
