// out[r, :] = x[r, :] / sqrt(mean(x[r, :]^2) + eps) * w; one workgroup per row.
struct Params {
    rows: u32,
    cols: u32,  // D, a multiple of 4
    eps: f32,
}
//!include common/finite.wgsl
//!include common/grid.wgsl
//!include common/reduce.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;          // [rows, D]
@group(0) @binding(2) var<storage, read> norm: array<vec4<f32>>;       // [D]
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;  // [rows, D]

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_group(group_id, groups);
    let quads = params.cols / 4u;
    let base = min(row, params.rows - 1u) * quads;
    var squares = vec4<f32>();
    for (var i = lane; i < quads; i += THREADS) { squares += x[base + i] * x[base + i]; }
    let scale = reciprocal_root(workgroup_sum(dot(squares, vec4<f32>(1.0)), lane) / f32(params.cols) + params.eps);
    if (row >= params.rows) { return; }
    for (var i = lane; i < quads; i += THREADS) { out[base + i] = x[base + i] * scale * norm[i]; }
}
