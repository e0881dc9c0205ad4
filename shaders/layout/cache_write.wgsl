// Copies the k and v columns of each row into the key/value cache: cache[slot_base + position + r, :] = x[r, x_offset .. x_offset + width].
struct Params {
    rows: u32,
    width: u32,     // 2 * kv_heads * head_dim
    stride: u32,    // elements between rows of x
    x_offset: u32,  // first copied column
}
//!include common/grid.wgsl
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // [rows, stride]
@group(0) @binding(2) var<storage, read_write> kv: array<f32>;  // [cache rows, width]
@group(0) @binding(3) var<uniform> step: Step;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let row = index / params.width;
    if (row >= params.rows) { return; }
    let column = index % params.width;
    kv[(step.slot_base + step.position + row) * params.width + column] = x[row * params.stride + params.x_offset + column];
}
