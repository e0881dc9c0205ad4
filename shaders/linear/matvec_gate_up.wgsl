// out[f] = silu(sum_k G[f, k] * norm(x)[k]) * (sum_k U[f, k] * norm(x)[k]); for hardware GPUs.
// Rows and results: common/matvec_gate_up.wgsl; the loop over columns: common/matvec_staged.wgsl.
//!include common/grid.wgsl
//!include common/matvec_gate_up.wgsl
//!include common/matvec_staged.wgsl

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_group(group_id, groups);
    sum_rows(group, 0u, params.cols / 32u, lane);
    for (var slot = lane; slot < ROWS; slot += THREADS) { store(group, slot); }
}
