// out = softmax(q k^T * scale) v for one query, split over the keys (flash decoding): one token has only `heads` rows of work, so each
// workgroup takes SLICE keys of a head. It writes the maximum, the sum of exponentials and the weighted sum of v, which
// attention_combine joins; with WHOLE, one slice holds all keys and the workgroup writes the result.
// PARTS threads share a key, neighbours on neighbouring quads; every thread has four loads in flight. Grid x: heads; y: splits.
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
// With WHOLE [heads * head_dim]; else [heads, splits, 1 + quads] vec4: (maximum, sum, 0, 0), then the values.
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
@group(0) @binding(4) var<uniform> step: Step;
//!include common/queries.wgsl

override CAUSAL: u32 = 0u;
override WHOLE: u32 = 0u;
override THREADS: u32 = 256u;
override PARTS: u32 = 4u;  // 1 or 4
const SLICE: u32 = 64u;
const LEAST: f32 = -3.4e38;

var<workgroup> partials: array<vec4<f32>, SLICE>;      // [key, part]: partial sums of q . k
var<workgroup> weights: array<vec4<f32>, SLICE / 4u>;  // logits, then exponentials
var<workgroup> maxima: array<vec4<f32>, SLICE / 4u>;   // of the logits of each thread
var<workgroup> sums: array<vec4<f32>, SLICE / 4u>;     // of the exponentials of each thread
var<workgroup> mixtures: array<vec4<f32>, THREADS>;    // parts of the weighted sum of v

// One quad of q . k; past the last quad the query counts as zero.
fn plus_quad(sum: f32, q_base: u32, k_base: u32, quad: u32, quads: u32) -> f32 {
    let last = min(quad, quads - 1u);
    let term = dot(q4(q_base, 4u * last), kv4(k_base, 4u * last));
    return sum + select(0.0, term, quad < quads);
}

// One key's share of the weighted sum; past the last key the weight is zero.
fn mixed(v_base: u32, key: u32, used: u32, d: u32) -> vec4<f32> {
    let last = min(key, used - 1u);
    return select(0.0, weights[last / 4u][last % 4u], key < used) * kv4(v_base + last * params.kv_stride, d);
}

fn put(head: u32, record: u32, sum: f32, d: u32, value: vec4<f32>) {
    if (WHOLE == 1u) {
        let result = value / sum;
        for (var i = 0u; i < min(4u, params.head_dim - d); i += 1u) { out[head * params.head_dim + d + i] = result[i]; }
        return;
    }
    let at = record + 4u + d;
    out[at] = value.x;
    out[at + 1u] = value.y;
    out[at + 2u] = value.z;
    out[at + 3u] = value.w;
}

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
    let quads = (params.head_dim + 3u) / 4u;
    let cache = select(0u, step.slot_base * params.kv_stride, CAUSAL == 1u) + first * params.kv_stride;
    let key_head = (head / params.queries_per_key_head) * params.head_dim;
    let q_base = head * params.head_dim;
    let k_base = cache + params.k_offset + key_head;
    let v_base = cache + params.v_offset + key_head;
    let own = lane % PARTS;
    for (var j = lane / PARTS; j < used; j += THREADS / PARTS) {
        let key = k_base + j * params.kv_stride;
        var sum = 0.0;
        for (var c = own; c < quads; c += 4u * PARTS) {
            sum = plus_quad(sum, q_base, key, c, quads);
            sum = plus_quad(sum, q_base, key, c + PARTS, quads);
            sum = plus_quad(sum, q_base, key, c + 2u * PARTS, quads);
            sum = plus_quad(sum, q_base, key, c + 3u * PARTS, quads);
        }
        partials[j][own] = sum;
    }
    workgroupBarrier();
    var most = LEAST;
    for (var j = lane; j < used; j += THREADS) {
        let four = partials[j];
        let logit = params.scale * select((four.x + four.y) + (four.z + four.w), four.x, PARTS == 1u);
        weights[j / 4u][j % 4u] = logit;
        most = max(most, logit);
    }
    if (lane < SLICE) { maxima[lane / 4u][lane % 4u] = most; }
    workgroupBarrier();
    var high4 = maxima[0];
    for (var i = 0u; i < min(SLICE, THREADS) / 4u; i += 2u) { high4 = max(high4, max(maxima[i], maxima[i + 1u])); }
    let high = max(max(high4.x, high4.y), max(high4.z, high4.w));
    var part = 0.0;
    for (var j = lane; j < used; j += THREADS) {
        let weight = exp(weights[j / 4u][j % 4u] - high);
        weights[j / 4u][j % 4u] = weight;
        part += weight;
    }
    if (lane < SLICE) { sums[lane / 4u][lane % 4u] = part; }
    workgroupBarrier();
    var sum4 = vec4<f32>();
    for (var i = 0u; i < min(SLICE, THREADS) / 4u; i += 2u) { sum4 += sums[i] + sums[i + 1u]; }
    let sum = (sum4.x + sum4.y) + (sum4.z + sum4.w);
    let record = (head * groups.y + group_id.y) * 4u * (1u + quads);
    if (WHOLE == 0u && lane == 0u) {
        out[record] = high;
        out[record + 1u] = sum;
    }
    // `shares` threads work on every quad, each with its share of the keys; threads left over have none.
    let width = min(THREADS, quads);
    let shares = THREADS / width;
    let share = lane / width;
    for (var c = lane % width; c < quads && share < shares; c += width) {
        var mixture = vec4<f32>();
        for (var j = share; j < used; j += 4u * shares) {
            let near = mixed(v_base, j, used, 4u * c) + mixed(v_base, j + shares, used, 4u * c);
            let far = mixed(v_base, j + 2u * shares, used, 4u * c) + mixed(v_base, j + 3u * shares, used, 4u * c);
            mixture += near + far;
        }
        if (shares == 1u) { put(head, record, sum, 4u * c, mixture); }
        mixtures[lane] = mixture;
    }
    workgroupBarrier();
    if (shares > 1u && lane < quads) {
        var mixture = mixtures[lane];
        for (var i = 1u; i < shares; i += 1u) { mixture += mixtures[i * width + lane]; }
        put(head, record, sum, 4u * lane, mixture);
    }
}
