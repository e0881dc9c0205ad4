// out[r, f] = silu(x[r, f]) * x[r, F + f]: SwiGLU after the gate and up projections, for one part of their rows.
struct Params {
    rows: u32,
    inner: u32,   // F: outputs of this part
    stride: u32,  // outputs of all parts; a row of x holds twice as many
    column: u32,  // first output of this part
}
//!include common/grid.wgsl
//!include common/activation.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [rows, 2 stride]: per part F gates, then F ups
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [rows, stride]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let row = index / params.inner;
    if (row >= params.rows) { return; }
    let f = index % params.inner;
    let at = 2u * (row * params.stride + params.column) + f;
    out[row * params.stride + params.column + f] = silu(x[at]) * x[at + params.inner];
}
