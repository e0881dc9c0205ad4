// Matrix-vector product: ROWS rows of W per workgroup; each thread takes every THREADS-th group of 32 columns and reuses
// its 32 inputs for all rows. The including kernel says which rows (`row_of`) and what happens to a sum (`store`).
//!include common/grid.wgsl
//!include common/reduce.wgsl
const MOST_ROWS: u32 = 32u;
const NORM_NONE: u32 = 0u;
const NORM_RMS: u32 = 1u;    // x / sqrt(mean(x^2) + eps) * w
const NORM_LAYER: u32 = 2u;  // (x - mean) / sqrt(var + eps) * w + b

override NORM: u32 = 0u;
override ROWS: u32 = 8u;         // even, at most MOST_ROWS
override ROW_LANES: u32 = 512u;  // ROWS * THREADS

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;     // [K], from x_offset
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>;  // [K] weight, then [K] bias for NORM_LAYER

var<workgroup> row_lanes: array<f32, ROW_LANES>;
var<workgroup> row_sums: array<f32, ROWS>;

struct Statistics { mean: f32, scale: f32 }

// Mean and reciprocal deviation of the input row; two passes, so that a large mean costs no accuracy.
fn statistics(lane: u32) -> Statistics {
    var result = Statistics(0.0, 1.0);
    if (NORM == NORM_NONE) { return result; }
    let quads = params.cols / 4u;
    if (NORM == NORM_LAYER) {
        var sum = 0.0;
        for (var i = lane; i < quads; i += THREADS) { sum += dot(x[params.x_offset + i], vec4<f32>(1.0)); }
        result.mean = workgroup_sum(sum, lane) / f32(params.cols);
    }
    var squares = 0.0;
    for (var i = lane; i < quads; i += THREADS) {
        let centred = x[params.x_offset + i] - result.mean;
        squares += dot(centred, centred);
    }
    result.scale = 1.0 / sqrt(workgroup_sum(squares, lane) / f32(params.cols) + params.eps);
    return result;
}

fn input4(quad: u32, s: Statistics) -> vec4<f32> {
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
        for (var i = 0u; i < 8u; i += 1u) { x_group[i] = input4(group * 8u + i, s); }
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
