// out[i] = float16(clamp(x[i], -65504, 65504)), rounded to nearest. NaN and infinities become NaN, and raise the flag.
struct Params {
    quads: u32,  // elements / 4
}
//!include common/finite.wgsl
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> flag: atomic<u32>;  // 1 if any x is not finite; never cleared here

const LARGEST: f32 = 65504.0;
const NAN: u32 = 0x7e00u;  // of float16; or-ed to any other bits it stays one

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    if (index >= params.quads) { return; }
    let quad = x[index];
    let value = clamp(quad, vec4<f32>(-LARGEST), vec4<f32>(LARGEST));
    let lost = not_finite4(quad);
    let marks = select(vec4<u32>(0u), vec4<u32>(NAN), lost);
    out[index] = vec2<u32>(pack2x16float(value.xy), pack2x16float(value.zw)) | marks.xz | (marks.yw << vec2<u32>(16u));
    if (any(lost)) { atomicOr(&flag, 1u); }
}
