// From the last 8 x 8 grid to the encoder's token order: grid row 2r + c holds quarter r of the time and half c of the spectrum;
// out[32c + 8r + t] = grid[8(2r + c) + t], so tokens 0..31 are the lower half of the spectrum in time order.
struct Params {
    tokens: u32,  // 64 per window
    cols: u32,    // D
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // [windows * 64, D]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [windows * 64, D]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let token = index / params.cols;
    if (token >= params.tokens) { return; }
    let o = token % 64u;
    let source = 8u * (2u * ((o / 8u) % 4u) + o / 32u) + o % 8u;
    out[index] = x[(token - o + source) * params.cols + index % params.cols];
}
