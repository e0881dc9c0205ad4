// Attention of one query over a slice of the keys ("split-K" flash decoding): with a single token there are only `heads` rows of work,
// so the keys are shared out over workgroups, SLICE each. Writes, per head and split, the maximum, the sum of exponentials and the weighted
// sum of v; attention_combine joins them. Grid x: heads; y: splits.
struct Params {
    keys: u32,       // keys; with CAUSAL, step.position + 1 instead
    head_dim: u32,
    queries_per_key_head: u32,
    kv_stride: u32,
    k_offset: u32,
    v_offset: u32,
    scale: f32,
}
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;   // [heads, splits, 2 + head_dim]: maximum, sum, values
@group(0) @binding(4) var<uniform> step: Step;
//!include common/queries.wgsl
//!include common/reduce.wgsl

override CAUSAL: u32 = 0u;
const SLICE: u32 = 64u;

var<workgroup> weights: array<f32, SLICE>;  // logits, then exponentials

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let head = group_id.x;
    let keys = select(params.keys, step.position + 1u, CAUSAL == 1u);
    let first = group_id.y * SLICE;
    if (first >= keys) { return; }
    let used = min(SLICE, keys - first);
    let cache = select(0u, step.slot_base * params.kv_stride, CAUSAL == 1u);
    let key_head = head / params.queries_per_key_head;
    let a = head * params.head_dim;
    let k = cache + params.k_offset + key_head * params.head_dim + first * params.kv_stride;
    var most = -3.4e38;
    for (var j = lane; j < used; j += THREADS) {
        var value = 0.0;
        for (var d = 0u; d < params.head_dim; d += 4u) { value += dot(q4(a, d), kv4(k + j * params.kv_stride, d)); }
        value *= params.scale;
        weights[j] = value;
        most = max(most, value);
    }
    let high = workgroup_max(most, lane);
    var part = 0.0;
    for (var j = lane; j < used; j += THREADS) {
        let weight = exp(weights[j] - high);
        weights[j] = weight;
        part += weight;
    }
    let sum = workgroup_sum(part, lane);
    let record = (head * groups.y + group_id.y) * (2u + params.head_dim);
    if (lane == 0u) {
        partial[record] = high;
        partial[record + 1u] = sum;
    }
    let v = cache + params.v_offset + key_head * params.head_dim + first * params.kv_stride;
    for (var d = lane * 4u; d < params.head_dim; d += THREADS * 4u) {
        var mixed = vec4<f32>(0.0);
        for (var j = 0u; j < used; j += 1u) { mixed += weights[j] * kv4(v + j * params.kv_stride, d); }
        for (var i = 0u; i < min(4u, params.head_dim - d); i += 1u) { partial[record + 2u + d + i] = mixed[i]; }
    }
}
