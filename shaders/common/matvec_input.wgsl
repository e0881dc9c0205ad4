// The input row of a matrix-vector product and the norm before it.
//!include common/reduce.wgsl
const NORM_NONE: u32 = 0u;
const NORM_RMS: u32 = 1u;    // x / sqrt(mean(x^2) + eps) * w
const NORM_LAYER: u32 = 2u;  // (x - mean) / sqrt(var + eps) * w + b

override NORM: u32 = 0u;

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;     // [K], from x_offset
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>;  // [K] weight, then [K] bias for NORM_LAYER

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
