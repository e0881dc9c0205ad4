// out[f] = silu(sum_s partial[s, f]) * (sum_s partial[s, F + f]): the results of a matvec_gate_up whose columns were split.
// Rows and results: common/matvec_gate_up.wgsl; the sums: common/matvec_combine.wgsl.
//!include common/grid.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec_combine.wgsl

@compute @workgroup_size(ROWS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_group(group_id, groups);
    sum_rows(group, lane);
    store(group, lane);
}
