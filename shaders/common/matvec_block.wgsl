// Matrix-vector product: ROWS rows of W per workgroup; each thread takes every THREADS-th group of 32 columns and reuses
// its 32 inputs for all rows. For adapters that are programs: many rows for each input that is loaded, and barriers at the end only.
// The including kernel says which rows (`row_of`) and what happens to a sum (`store`); the scheme, what a group of columns gives.
//!include common/grid.wgsl
//!include common/matvec_input.wgsl
const MOST_ROWS: u32 = 32u;

override ROWS: u32 = 32u;        // even, at most MOST_ROWS
override ROW_LANES: u32 = 256u;  // ROWS * THREADS

var<workgroup> row_lanes: array<f32, ROW_LANES>;
var<workgroup> row_sums: array<f32, ROWS>;

fn normed4(quad: u32, s: Statistics) -> vec4<f32> {
    let value = x[params.x_offset + quad];
    if (NORM == NORM_NONE) { return value; }
    let scaled = (value - s.mean) * s.scale * norm[quad];
    if (NORM == NORM_LAYER) { return scaled + norm[params.cols / 4u + quad]; }
    return scaled;
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = linear_group(group_id, groups);
    let s = statistics(lane);
    var sums: array<f32, MOST_ROWS>;
    for (var group = lane; group < params.cols / 32u; group += THREADS) {
        for (var i = 0u; i < 8u; i += 1u) { x_group[i] = normed4(group * 8u + i, s); }
        for (var r = 0u; r < ROWS; r += 1u) { sums[r] += dot_group(row_of(block, r), group, params.cols); }
    }
    for (var r = 0u; r < ROWS; r += 1u) { row_lanes[r * THREADS + lane] = sums[r]; }
    workgroupBarrier();
    for (var r = lane; r < ROWS; r += THREADS) {
        var sum = 0.0;
        for (var i = 0u; i < THREADS; i += 1u) { sum += row_lanes[r * THREADS + i]; }
        row_sums[r] = sum * row_scale(row_of(block, r), params.cols);
    }
    workgroupBarrier();
    for (var r = lane; r < ROWS; r += THREADS) { store(block, r); }
}
