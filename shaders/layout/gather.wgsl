// out[i, :] = x[picks[i], :]. One thread per quad.
struct Params {
    rows: u32,   // rows of out
    quads: u32,  // per row
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> picks: array<u32>;           // [rows]
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    if (index >= params.rows * params.quads) { return; }
    out[index] = x[picks[index / params.quads] * params.quads + index % params.quads];
}
