// The gather of Swin patch merging: out[(i, j)] = concat(x[2i, 2j], x[2i+1, 2j], x[2i, 2j+1], x[2i+1, 2j+1]); the row offset varies first.
struct Params {
    tokens: u32,    // output tokens of all images
    side: u32,      // tokens per side of the input grid
    channels: u32,  // C
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [images * side^2, C]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [images * side^2 / 4, 4C]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let token = index / (4u * params.channels);
    if (token >= params.tokens) { return; }
    let quarter = (index / params.channels) % 4u;
    let half = params.side / 2u;
    let image = token / (half * half);
    let y = 2u * ((token / half) % half) + quarter % 2u;
    let x_at = 2u * (token % half) + quarter / 2u;
    out[index] = x[((image * params.side + y) * params.side + x_at) * params.channels + index % params.channels];
}
