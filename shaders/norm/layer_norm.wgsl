// out[r, :] = (s - mean(s)) / sqrt(var(s) + eps) * w + b with s = x[r, :] * input_scale; one workgroup per row.
// Two passes over the row, biased variance, all in float32.
struct Params {
    rows: u32,
    cols: u32,          // D, a multiple of 4
    eps: f32,
    input_scale: f32,   // sqrt(D) before the audio transformer, else 1
}
//!include common/finite.wgsl
//!include common/grid.wgsl
//!include common/reduce.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;          // [rows, D]
@group(0) @binding(2) var<storage, read> norm: array<vec4<f32>>;       // [D] weight, then [D] bias
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
    var sum = vec4<f32>();
    for (var i = lane; i < quads; i += THREADS) { sum += x[base + i]; }
    let mean = workgroup_sum(dot(sum, vec4<f32>(params.input_scale)), lane) / f32(params.cols);
    var squares = vec4<f32>();
    for (var i = lane; i < quads; i += THREADS) {
        let centred = x[base + i] * params.input_scale - mean;
        squares += centred * centred;
    }
    let scale = reciprocal_root(workgroup_sum(dot(squares, vec4<f32>(1.0)), lane) / f32(params.cols) + params.eps);
    if (row >= params.rows) { return; }
    for (var i = lane; i < quads; i += THREADS) {
        out[base + i] = (x[base + i] * params.input_scale - mean) * scale * norm[i] + norm[quads + i];
    }
}
