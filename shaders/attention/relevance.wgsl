// relevance[r, h, k] += softmax(q k^T * scale)[k] * |v_k| * |tanh(gate)| for the rows of a batch: how much each audio token adds to a row
// through one cross-attention. The keys of a row: common/row_keys.wgsl. One workgroup: one head of one row. Grid x: rows; y: heads.
struct Params {
    head_dim: u32,
    heads: u32,
    q_stride: u32,   // elements between rows of q
    kv_stride: u32,  // elements between rows of k (and of v), and where each starts
    k_offset: u32,
    v_offset: u32,
    tokens: u32,     // T, audio tokens of the clip
    scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> gate: array<f32>;             // [1]
@group(0) @binding(4) var<storage, read> rows: array<Row>;
@group(0) @binding(5) var<storage, read_write> relevance: array<f32>;  // [rows, heads, T]
//!include common/finite.wgsl
//!include common/reduce.wgsl
//!include common/row_keys.wgsl
//!include common/tanh.wgsl

const TILE: u32 = 64u;  // keys; THREADS

fn norm_of(base: u32) -> f32 {
    var sum = 0.0;
    for (var d = 0u; d < 4u * QUADS; d += 4u) {
        let values = kv4(base, d);
        sum += dot(values, values);
    }
    return sqrt(sum);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = rows[group_id.x];
    let head = group_id.y;
    let q_base = group_id.x * params.q_stride + head * params.head_dim;
    let keys = key_count(row);
    let k_base = params.k_offset + head * params.head_dim;
    var high = LEAST;
    var sum = 0.0;
    for (var j = lane; j < keys; j += TILE) {
        let key = key_at(row, j);
        let logit = params.scale * dot_key(q_base, key * params.kv_stride + k_base);
        let seen = !is_hidden(row, key);
        let higher = max(high, select(LEAST, logit, seen));
        sum = sum * exp(high - higher) + select(0.0, exp(logit - higher), seen);
        high = higher;
    }
    let peak = workgroup_max(high, lane);
    let total = workgroup_sum(sum * exp(high - peak), lane);
    let factor = abs(exact_tanh(gate[0])) / total;
    let line = (group_id.x * params.heads + head) * params.tokens;
    for (var j = lane; j < keys; j += TILE) {
        let key = key_at(row, j);
        let logit = params.scale * dot_key(q_base, key * params.kv_stride + k_base);
        let v_base = key * params.kv_stride + params.v_offset + head * params.head_dim;
        let added = exp(logit - peak) * factor * norm_of(v_base);
        relevance[line + key] += select(added, 0.0, is_hidden(row, key));
    }
}
