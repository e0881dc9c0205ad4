// out[n] = epilogue(sum_s partial[s, n]): the results of a matvec whose columns were split.
// Rows and results: common/matvec_rows.wgsl; the sums: common/matvec_combine.wgsl.
//!include common/grid.wgsl
//!include common/matvec_rows.wgsl
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
