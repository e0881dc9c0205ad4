// out[r, :] = W[sequence[slot_base + position + r], :] for the rows of W in this part of the table; other rows of out stay as they are.
struct Params {
    rows: u32,       // tokens in this pass
    cols: u32,       // D
    row_start: u32,  // first vocabulary row of this part
    row_count: u32,  // vocabulary rows of this part
}
//!include common/grid.wgsl
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> sequence: array<u32>;         // token ids of all slots
@group(0) @binding(4) var<storage, read_write> out: array<vec4<f32>>;  // [rows, D]
@group(0) @binding(5) var<uniform> step: Step;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let quads = params.cols / 4u;
    let row = index / quads;
    if (row >= params.rows) { return; }
    let token = sequence[step.slot_base + step.position + row];
    if (token < params.row_start || token >= params.row_start + params.row_count) { return; }
    let table_row = token - params.row_start;
    out[index] = weight4(table_row, (index % quads) * 4u, params.cols) * row_scale(table_row, params.cols);
}
