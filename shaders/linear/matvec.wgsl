// out[n] = epilogue(sum_k W[n, k] * norm(x)[k]); for hardware GPUs. With PART = 1 out[s, n] is the sum over the s-th part of the columns,
// and matvec*_combine adds the parts up.
// Rows and results: common/matvec_rows.wgsl; the loop over columns: common/matvec_staged.wgsl. Grid x: parts * ceil(N / ROWS).
//!include common/grid.wgsl
//!include common/matvec_rows.wgsl
//!include common/matvec_staged.wgsl

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups);
    let blocks = params.cols / 32u;
    let across = (params.rows + ROWS - 1u) / ROWS;  // workgroups along N
    var group = index;
    var begin = 0u;
    var end = blocks;
    if (PART == 1u) {
        group = index % across;
        begin = (index / across) * params.part_blocks;
        end = min(begin + params.part_blocks, blocks);
    }
    sum_rows(group, begin, end, lane);
    for (var slot = lane; slot < ROWS; slot += THREADS) {
        let row = group * ROWS + slot;
        if (PART == 0u) { store(group, slot); }
        else if (row < params.rows && begin < blocks) { out[(index / across) * params.rows + row] = row_sums[slot]; }
    }
}
