// q, k, v = sum_s partial[s] + bias, rotated and stored: the results of a matvec_qkv whose columns were split.
// Rows and results: common/matvec_qkv.wgsl; the sums: common/matvec_combine.wgsl.
//!include common/grid.wgsl
//!include common/matvec_qkv.wgsl
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
