// out = softmax(q k^T * scale) v for many queries: keys in tiles with a running maximum (flash attention, Dao et al. 2022), so that any
// number of keys fits. For the audio transformer, cross-attention of a prompt and, with CAUSAL, self-attention of a prompt.
// One workgroup: QUERIES rows of one head. Both matmuls work on 4 x 4 blocks in registers: every loaded element serves four results.
// Grid x: ceil(rows / QUERIES); y: heads; z: sounds, of which each has `rows` queries and `keys` keys of its own, one after another. QUERIES is a multiple of 4, QUERIES * head_dim <= 4096.
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
@group(0) @binding(3) var<storage, read_write> out: array<f32>;  // [sounds * rows, heads * head_dim]
@group(0) @binding(4) var<uniform> step: Step;
//!include common/queries.wgsl

override QUERIES: u32 = 16u;
override CAUSAL: u32 = 0u;
override TILE: u32 = 128u;  // QUERIES * KEYS / 4
const KEYS: u32 = 32u;
const KEY_QUADS: u32 = 8u;
const THREADS: u32 = 64u;
const BLOCKS: u32 = 4u;     // 4 x 4 blocks of results per thread, of QUERIES * head_dim / 16 in all
const HIDDEN: f32 = -3.0e38;

var<workgroup> tile: array<vec4<f32>, TILE>;  // [query, key]: logits, then probabilities, of the current tile
var<workgroup> peak: array<f32, QUERIES>;     // running maximum
var<workgroup> total: array<f32, QUERIES>;    // running sum of exponentials
var<workgroup> shrink: array<f32, QUERIES>;   // factor on the sums before this tile

fn visible_keys(row: u32) -> u32 {
    if (CAUSAL == 1u) { return step.position + row + 1u; }
    return params.keys;
}

// Logits of key quad c (keys 4c..4c+3 of those from k0) with the queries 4r..4r+3 of those from `first`.
fn logits(first: u32, k0: u32, keys: u32, q_base: u32, k_base: u32, r: u32, c: u32) {
    let row = first + 4u * r;
    let key = k0 + 4u * c;
    let last_row = params.rows - 1u;
    let q_rows = q_base + min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last_row)) * params.q_stride;
    let k_rows = k_base + min(vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(keys - 1u)) * params.kv_stride;
    var sums = mat4x4<f32>();
    for (var d = 0u; d < params.head_dim; d += 4u) {
        let queries = mat4x4<f32>(q4(q_rows.x, d), q4(q_rows.y, d), q4(q_rows.z, d), q4(q_rows.w, d));
        let keys4 = mat4x4<f32>(kv4(k_rows.x, d), kv4(k_rows.y, d), kv4(k_rows.z, d), kv4(k_rows.w, d));
        sums += transpose(keys4) * queries;
    }
    for (var i = 0u; i < 4u; i += 1u) {
        let seen = vec4<u32>(key) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(min(visible_keys(row + i), keys));
        tile[(4u * r + i) * KEY_QUADS + c] = select(vec4<f32>(HIDDEN), sums[i] * params.scale, seen);
    }
}

// Whether logits are at most -1e38: hidden, or -infinity. By their bits: compilers may take a comparison with NaN for either answer.
fn hidden4(logits: vec4<f32>) -> vec4<bool> {
    let bits = bitcast<vec4<u32>>(logits);
    return (bits >= vec4<u32>(0xfe967699u)) & (bits <= vec4<u32>(0xff800000u));
}

// Probabilities of one query relative to the maximum so far.
fn exponentials(i: u32) {
    var high4 = tile[i * KEY_QUADS];
    for (var j = 1u; j < KEY_QUADS; j += 1u) { high4 = max(high4, tile[i * KEY_QUADS + j]); }
    let high = max(peak[i], max(max(high4.x, high4.y), max(high4.z, high4.w)));
    var sum = vec4<f32>(0.0);
    for (var j = 0u; j < KEY_QUADS; j += 1u) {
        let value = tile[i * KEY_QUADS + j];
        let p = select(exp(value - high), vec4<f32>(0.0), hidden4(value));
        tile[i * KEY_QUADS + j] = p;
        sum += p;
    }
    shrink[i] = exp(peak[i] - high);
    total[i] = total[i] * shrink[i] + ((sum.x + sum.y) + (sum.z + sum.w));
    peak[i] = high;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group_id.x * QUERIES;
    let head = group_id.y;
    let key_head = head / params.queries_per_key_head;
    let sound = group_id.z;
    let cache = select(sound * params.keys, step.slot_base, CAUSAL == 1u) * params.kv_stride;
    let q_base = params.q_offset + head * params.head_dim + sound * params.rows * params.q_stride;
    let k_base = cache + params.k_offset + key_head * params.head_dim;
    let v_base = cache + params.v_offset + key_head * params.head_dim;
    let keys = visible_keys(min(first + QUERIES, params.rows) - 1u);
    let quads = (params.head_dim + 3u) / 4u;
    let blocks = QUERIES / 4u * quads;
    var sums: array<mat4x4<f32>, BLOCKS>;
    for (var i = lane; i < QUERIES; i += THREADS) {
        peak[i] = HIDDEN;
        total[i] = 0.0;
    }
    for (var k0 = 0u; k0 < keys; k0 += KEYS) {
        for (var e = lane; e < QUERIES / 4u * KEY_QUADS; e += THREADS) {
            logits(first, k0, keys, q_base, k_base, e / KEY_QUADS, e % KEY_QUADS);
        }
        workgroupBarrier();
        for (var i = lane; i < QUERIES; i += THREADS) { exponentials(i); }
        workgroupBarrier();
        let used = (min(KEYS, keys - k0) + 3u) / 4u;
        for (var b = 0u; b < BLOCKS; b += 1u) {
            let block = lane + b * THREADS;
            if (block < blocks) {
                let r = 4u * (block / quads);
                let d = 4u * (block % quads);
                let before = vec4<f32>(shrink[r], shrink[r + 1u], shrink[r + 2u], shrink[r + 3u]);
                var mixed = mat4x4<f32>(
                    sums[b][0] * before.x,
                    sums[b][1] * before.y,
                    sums[b][2] * before.z,
                    sums[b][3] * before.w,
                );
                for (var j = 0u; j < used; j += 1u) {
                    let key = min(vec4<u32>(k0 + 4u * j) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(keys - 1u));
                    let v = v_base + key * params.kv_stride;
                    let values = mat4x4<f32>(kv4(v.x, d), kv4(v.y, d), kv4(v.z, d), kv4(v.w, d));
                    mixed += values * mat4x4<f32>(
                        tile[r * KEY_QUADS + j],
                        tile[(r + 1u) * KEY_QUADS + j],
                        tile[(r + 2u) * KEY_QUADS + j],
                        tile[(r + 3u) * KEY_QUADS + j],
                    );
                }
                sums[b] = mixed;
            }
        }
        workgroupBarrier();
    }
    for (var b = 0u; b < BLOCKS; b += 1u) {
        let block = lane + b * THREADS;
        if (block < blocks) {
            let r = 4u * (block / quads);
            let d = 4u * (block % quads);
            for (var i = 0u; i < 4u; i += 1u) { put(sound, first + r + i, head * params.head_dim, d, sums[b][i] / total[r + i]); }
        }
    }
}

fn put(sound: u32, row: u32, head: u32, d: u32, result: vec4<f32>) {
    if (row >= params.rows) { return; }
    let base = (sound * params.rows + row) * params.out_stride + head + d;
    for (var e = 0u; e < min(4u, params.head_dim - d); e += 1u) { out[base + e] = result[e]; }
}
