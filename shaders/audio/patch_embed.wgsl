// out[i, j, e] = bias[e] + sum_rc weight[e, r, c] * image[4i + r, 4j + c]: patch embedding, a 4 x 4 convolution with stride 4.
struct Params {
    tokens: u32,    // patches of all windows
    side: u32,      // side of the image
    channels: u32,  // E
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image: array<vec4<f32>>;   // [windows, side, side / 4]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;  // [E, 4] rows of a kernel
@group(0) @binding(3) var<storage, read> bias: array<f32>;          // [E]
@group(0) @binding(4) var<storage, read_write> out: array<f32>;     // [tokens, E]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let token = index / params.channels;
    if (token >= params.tokens) { return; }
    let channel = index % params.channels;
    let per_side = params.side / 4u;
    let row = token / per_side;  // patch row, counted through all windows
    var sum = bias[channel];
    for (var r = 0u; r < 4u; r += 1u) {
        sum += dot(image[(4u * row + r) * per_side + token % per_side], weight[channel * 4u + r]);
    }
    out[index] = sum;
}
