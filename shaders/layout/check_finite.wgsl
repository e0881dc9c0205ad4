// flag = 1 if any x[i] is NaN or infinite; never cleared here. One thread per four elements.
struct Params {
    quads: u32,  // elements / 4
}
//!include common/finite.wgsl
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> flag: atomic<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    if (index >= params.quads) { return; }
    if (any(not_finite4(x[index]))) { atomicOr(&flag, 1u); }
}
