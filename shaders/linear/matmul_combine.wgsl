// out[m, n] = epilogue(sum_s partial[s, m, n]): the results of a matmul whose columns were split, always added in the same order. A thread
// per result.
//!include common/matmul_params.wgsl
@group(0) @binding(1) var<storage, read> partial: array<f32>;  // [parts, M, N]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let results = params.rows * params.outputs;
    if (index >= results) { return; }
    var sum = 0.0;
    for (var part = 0u; part < params.part_cols; part += 1u) { sum += partial[part * results + index]; }
    let column = params.column + index % params.outputs;
    finish((index / params.outputs) * params.out_stride + column, column, sum, gate_factor());
}
