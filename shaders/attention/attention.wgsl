// softmax(q k^T * scale) v for many queries, keys in tiles with a running maximum (flash attention, Dao et al. 2022), so that
// any number of keys fits. Serves the audio transformer, cross-attention of a prompt, and, with CAUSAL, self-attention of a prompt.
// One workgroup: QUERIES rows of one head. Grid x: blocks of queries; y: heads. QUERIES * head_dim <= 4096.
struct Params {
    rows: u32,       // queries
    keys: u32,       // keys; with CAUSAL, row r sees keys 0 .. position + r
    head_dim: u32,
    queries_per_key_head: u32,  // grouped queries: query head h reads key head h / this
    q_stride: u32,   // elements between rows of q, and where head 0 of row 0 starts
    q_offset: u32,
    kv_stride: u32,  // elements between rows of k (and of v), and where each starts
    k_offset: u32,
    v_offset: u32,
    out_stride: u32,
    scale: f32,
}
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> kv: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;  // [rows, heads * head_dim]
@group(0) @binding(4) var<uniform> step: Step;

override QUERIES: u32 = 16u;
override CAUSAL: u32 = 0u;
override TILE: u32 = 512u;  // QUERIES * KEYS
const KEYS: u32 = 32u;
const THREADS: u32 = 128u;

var<workgroup> tile: array<f32, TILE>;  // logits, then probabilities, of the current tile
var<workgroup> peak: array<f32, QUERIES>;         // running maximum
var<workgroup> total: array<f32, QUERIES>;        // running sum of exponentials
var<workgroup> shrink: array<f32, QUERIES>;       // factor on what was summed before this tile

fn visible_keys(row: u32) -> u32 {
    if (CAUSAL == 1u) { return step.position + row + 1u; }
    return params.keys;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group_id.x * QUERIES;
    let head = group_id.y;
    let key_head = head / params.queries_per_key_head;
    let cache = select(0u, step.slot_base * params.kv_stride, CAUSAL == 1u);
    let q_base = params.q_offset + head * params.head_dim;
    let k_base = cache + params.k_offset + key_head * params.head_dim;
    let v_base = cache + params.v_offset + key_head * params.head_dim;
    let last = min(first + QUERIES, params.rows) - 1u;
    let keys = visible_keys(last);
    var sums: array<f32, 32>;  // this thread's results: elements lane, lane + THREADS, ... of [QUERIES, head_dim]
    for (var s = 0u; s < 32u; s += 1u) { sums[s] = 0.0; }
    if (lane < QUERIES) {
        peak[lane] = -3.0e38;
        total[lane] = 0.0;
    }
    for (var k0 = 0u; k0 < keys; k0 += KEYS) {
        for (var e = lane; e < QUERIES * KEYS; e += THREADS) {
            let row = first + e / KEYS;
            let key = k0 + e % KEYS;
            var value = -3.0e38;
            if (row < params.rows && key < visible_keys(row)) {
                value = 0.0;
                let a = q_base + row * params.q_stride;
                let b = k_base + key * params.kv_stride;
                for (var d = 0u; d < params.head_dim; d += 1u) { value += (q[a + d] * params.scale) * kv[b + d]; }
            }
            tile[e] = value;
        }
        workgroupBarrier();
        if (lane < QUERIES) {
            var high = peak[lane];
            for (var j = 0u; j < KEYS; j += 1u) { high = max(high, tile[lane * KEYS + j]); }
            var sum = 0.0;
            for (var j = 0u; j < KEYS; j += 1u) {
                let value = tile[lane * KEYS + j];
                let p = select(exp(value - high), 0.0, value <= -1.0e38);
                tile[lane * KEYS + j] = p;
                sum += p;
            }
            shrink[lane] = exp(peak[lane] - high);
            total[lane] = total[lane] * shrink[lane] + sum;
            peak[lane] = high;
        }
        workgroupBarrier();
        let used = min(KEYS, keys - k0);
        var slot = 0u;
        for (var e = lane; e < QUERIES * params.head_dim; e += THREADS) {
            let i = e / params.head_dim;
            let v = v_base + k0 * params.kv_stride + e % params.head_dim;
            var sum = 0.0;
            for (var j = 0u; j < used; j += 1u) { sum += tile[i * KEYS + j] * kv[v + j * params.kv_stride]; }
            sums[slot] = sums[slot] * shrink[i] + sum;
            slot += 1u;
        }
        workgroupBarrier();
    }
    var slot = 0u;
    for (var e = lane; e < QUERIES * params.head_dim; e += THREADS) {
        let row = first + e / params.head_dim;
        if (row < params.rows) {
            out[row * params.out_stride + head * params.head_dim + e % params.head_dim] = sums[slot] / total[e / params.head_dim];
        }
        slot += 1u;
    }
}
