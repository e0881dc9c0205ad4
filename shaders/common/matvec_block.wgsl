// The loop of the block matvec kernels, for software adapters: ROWS rows of W per workgroup; each thread takes every THREADS-th block of
// 32 columns and reuses its 32 inputs for all rows. Many rows per loaded input, and barriers only at the end.
// The kernel defines which rows (`row_of`); the scheme defines `dot32`.
//!include common/matvec_input.wgsl
const MOST_ROWS: u32 = 32u;

override ROWS: u32 = 32u;        // even, at most MOST_ROWS
override ROW_LANES: u32 = 256u;  // ROWS * THREADS

var<private> inputs32: array<vec4<f32>, 8>;  // the 32 inputs of the current block
var<workgroup> row_lanes: array<f32, ROW_LANES>;
var<workgroup> row_sums: array<f32, ROWS>;

fn normed4(quad: u32, s: Statistics) -> vec4<f32> {
    let value = x[params.x_offset + quad];
    if (NORM == NORM_NONE) { return value; }
    let scaled = (value - s.mean) * s.scale * norm[quad];
    if (NORM == NORM_LAYER) { return scaled + norm[params.cols / 4u + quad]; }
    return scaled;
}

// Leaves the sums of the workgroup's rows in row_sums.
fn sum_rows(group: u32, lane: u32) {
    let s = statistics(lane);
    var sums: array<f32, MOST_ROWS>;
    for (var block = lane; block < params.cols / 32u; block += THREADS) {
        for (var i = 0u; i < 8u; i += 1u) { inputs32[i] = normed4(block * 8u + i, s); }
        for (var r = 0u; r < ROWS; r += 1u) { sums[r] += dot32(row_of(group, r), block, params.cols); }
    }
    for (var r = 0u; r < ROWS; r += 1u) { row_lanes[r * THREADS + lane] = sums[r]; }
    workgroupBarrier();
    for (var r = lane; r < ROWS; r += THREADS) {
        var sum = 0.0;
        for (var i = 0u; i < THREADS; i += 1u) { sum += row_lanes[r * THREADS + i]; }
        row_sums[r] = sum * row_scale(row_of(group, r), params.cols);
    }
    workgroupBarrier();
}
