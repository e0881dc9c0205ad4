// out[i] = float16(clamp(x[i], -65504, 65504)), rounded to nearest.
struct Params {
    quads: u32,  // elements / 4
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec2<u32>>;

const LARGEST: f32 = 65504.0;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    if (index >= params.quads) { return; }
    let value = clamp(x[index], vec4<f32>(-LARGEST), vec4<f32>(LARGEST));
    out[index] = vec2<u32>(pack2x16float(value.xy), pack2x16float(value.zw));
}
