// For the rows of a batch: rotates q in place, and writes the rotated k and the v of each row to its place in the key/value cache.
// Dimensions i and i + D/2 of a head (i < D/2) are rotated by position * theta_i. One thread per pair.
struct Params {
    rows: u32,
    heads: u32,     // query heads
    kv_heads: u32,
    head_dim: u32,  // D
}
//!include common/grid.wgsl
//!include common/rows.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotary: array<vec2<f32>>;  // [positions, D/2]: cos, sin
@group(0) @binding(2) var<storage, read_write> qkv: array<f32>;     // [rows, (heads + 2 * kv_heads) * D]
@group(0) @binding(3) var<storage, read_write> kv: array<f32>;      // [cache rows, 2 * kv_heads * D]
@group(0) @binding(4) var<storage, read> rows: array<Row>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let half = params.head_dim / 2u;
    let all_heads = params.heads + 2u * params.kv_heads;
    if (index >= params.rows * all_heads * half) { return; }
    let place = index / (all_heads * half);
    let head = (index / half) % all_heads;
    let i = index % half;
    let row = rows[place];
    let at = (place * all_heads + head) * params.head_dim + i;
    let a = qkv[at];
    let b = qkv[at + half];
    let turn = select(rotary[row.position * half + i], vec2<f32>(1.0, 0.0), head >= params.heads + params.kv_heads);
    let rotated = vec2<f32>(a * turn.x - b * turn.y, b * turn.x + a * turn.y);
    if (head < params.heads) {
        qkv[at] = rotated.x;
        qkv[at + half] = rotated.y;
        return;
    }
    let column = (head - params.heads) * params.head_dim + i;
    let base = cache_row(row, row.position) * 2u * params.kv_heads * params.head_dim + column;
    // v as it is: 0 * infinity would not be.
    let is_v = head >= params.heads + params.kv_heads;
    kv[base] = select(rotated.x, a, is_v);
    kv[base + half] = select(rotated.y, b, is_v);
}
