// Rotary positions in place: in each of the first `heads` heads of a row, dimensions i and i + R/2 (i < R/2) are rotated by
// position * theta_i; dimensions from R on stay. One thread per pair.
struct Params {
    rows: u32,
    heads: u32,     // heads to rotate, consecutive from the start of the row
    head_dim: u32,
    rotated: u32,   // R
    stride: u32,    // elements between rows
}
//!include common/grid.wgsl
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rotary: array<vec2<f32>>;  // [positions, R/2]: cos, sin
@group(0) @binding(2) var<storage, read_write> x: array<f32>;       // [rows, stride]
@group(0) @binding(3) var<uniform> step: Step;                      // row r is at step.position + r

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let half = params.rotated / 2u;
    let row = index / (params.heads * half);
    if (row >= params.rows) { return; }
    let head = (index / half) % params.heads;
    let i = index % half;
    let turn = rotary[(step.position + row) * half + i];
    let at = row * params.stride + head * params.head_dim + i;
    let a = x[at];
    let b = x[at + half];
    x[at] = a * turn.x - b * turn.y;
    x[at + half] = b * turn.x + a * turn.y;
}
