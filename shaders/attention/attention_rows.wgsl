// out[r, h] = softmax(q k^T * scale) v for the rows of a batch, each with keys of its own: common/row_keys.wgsl. Keys in tiles with a
// running maximum (flash attention, Dao et al. 2022). A row from which all keys are hidden gets zero.
// One workgroup: one head of one row; a key of a tile per thread and turn, then several threads per quad of v. Every thread finds maximum
// and sum for itself, which takes fewer barriers than to share them. Grid x: rows; y: heads.
struct Params {
    head_dim: u32,              // at most 1024
    queries_per_key_head: u32,  // grouped queries: query head h reads key head h / this
    q_stride: u32,              // elements between rows of q
    kv_stride: u32,             // elements between rows of k (and of v), and where each starts
    k_offset: u32,
    v_offset: u32,
    out_stride: u32,
    scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;  // [rows, heads * head_dim]
@group(0) @binding(4) var<storage, read> rows: array<Row>;
//!include common/row_keys.wgsl

override THREADS: u32 = 64u;  // 8 to 64, a multiple of 8
const TILE: u32 = 64u;        // keys

var<workgroup> weights: array<f32, TILE>;        // logits, then exponentials, of the keys of a tile
var<workgroup> mixtures: array<vec4<f32>, 256>;  // [quads / width, shares, width]: parts of the weighted sum of v

fn weights4(i: u32) -> vec4<f32> {
    return vec4<f32>(weights[i], weights[i + 1u], weights[i + 2u], weights[i + 3u]);
}

fn highest(high: f32, count: u32) -> f32 {
    var high4 = vec4<f32>(high);
    for (var i = 0u; i < count; i += 4u) { high4 = max(high4, weights4(i)); }
    return max(max(high4.x, high4.y), max(high4.z, high4.w));
}

fn total(count: u32) -> f32 {
    var sum4 = vec4<f32>();
    for (var i = 0u; i < count; i += 4u) { sum4 += weights4(i); }
    return (sum4.x + sum4.y) + (sum4.z + sum4.w);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = rows[group_id.x];
    let head = group_id.y;
    let key_head = (head / params.queries_per_key_head) * params.head_dim;
    let q_base = group_id.x * params.q_stride + head * params.head_dim;
    let keys = key_count(row);
    // `shares` threads work on every quad, each with its share of the keys; threads left over have none.
    let width = min(THREADS, QUADS);
    let shares = THREADS / width;
    let share = lane / width;
    for (var i = lane; i < 256u; i += THREADS) { mixtures[i] = vec4<f32>(); }
    var high = LEAST;
    var sum = 0.0;
    for (var first = 0u; first < keys; first += TILE) {
        let used = min(TILE, keys - first);
        let turns = min(TILE, (used + THREADS - 1u) / THREADS * THREADS);  // filled up to whole turns of the threads
        for (var j = lane; j < turns; j += THREADS) {
            let key = key_at(row, first + min(j, used - 1u));
            let seen = j < used && !is_hidden(row, key);
            let logit = params.scale * dot_key(q_base, key * params.kv_stride + params.k_offset + key_head);
            weights[j] = select(LEAST, logit, seen);
        }
        workgroupBarrier();
        let higher = highest(high, turns);
        workgroupBarrier();
        for (var j = lane; j < turns; j += THREADS) {
            let seen = j < used && !is_hidden(row, key_at(row, first + min(j, used - 1u)));
            weights[j] = select(0.0, exp(weights[j] - higher), seen);
        }
        workgroupBarrier();
        let shrink = exp(high - higher);
        sum = sum * shrink + total(turns);
        high = higher;
        var at = lane;
        for (var c = lane % width; c < QUADS && share < shares; c += width) {
            var mixture = mixtures[at] * shrink;
            for (var j = share; j < used; j += shares) {
                let v_base = key_at(row, first + j) * params.kv_stride + params.v_offset + key_head;
                mixture += weights[j] * kv4(v_base, 4u * c);
            }
            mixtures[at] = mixture;
            at += THREADS;
        }
        workgroupBarrier();
    }
    let out_base = group_id.x * params.out_stride + head * params.head_dim;
    for (var c = lane; c < QUADS; c += THREADS) {
        var mixture = vec4<f32>();
        for (var i = 0u; i < shares; i += 1u) { mixture += mixtures[c / width * THREADS + i * width + c % width]; }
        let result = select(mixture / sum, vec4<f32>(), vec4<bool>(all_hidden(row)));
        for (var i = 0u; i < min(4u, params.head_dim - 4u * c); i += 1u) { out[out_base + 4u * c + i] = result[i]; }
    }
}
