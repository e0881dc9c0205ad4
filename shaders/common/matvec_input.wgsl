// The input row of a matvec and the norm before it.
//!include common/finite.wgsl
//!include common/reduce.wgsl
const NORM_NONE: u32 = 0u;
const NORM_RMS: u32 = 1u;    // x / sqrt(mean(x^2) + eps) * w
const NORM_LAYER: u32 = 2u;  // (x - mean) / sqrt(var + eps) * w + b

override NORM: u32 = 0u;

@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;     // [K], from x_offset
@group(0) @binding(4) var<storage, read> norm: array<vec4<f32>>;  // [K] weight, then [K] bias for NORM_LAYER

// Quad of the input row, zero past its end. No load is behind a branch, so that a GPU has several in flight.
fn input4(quad: u32) -> vec4<f32> {
    let quads = params.cols / 4u;
    return select(vec4<f32>(), x[params.x_offset + min(quad, quads - 1u)], quad < quads);
}

fn square4(quad: u32, mean: f32) -> vec4<f32> {
    let centred = select(vec4<f32>(), input4(quad) - mean, quad < params.cols / 4u);
    return centred * centred;
}

fn total(v: vec4<f32>) -> f32 { return (v.x + v.y) + (v.z + v.w); }

struct Statistics { mean: f32, scale: f32 }

// Mean and reciprocal deviation of the input row, in two passes, so that a large mean costs no accuracy.
fn statistics(lane: u32) -> Statistics {
    var result = Statistics(0.0, 1.0);
    if (NORM == NORM_NONE) { return result; }
    let quads = params.cols / 4u;
    if (NORM == NORM_LAYER) {
        var sum = vec4<f32>();
        for (var i = lane; i < quads; i += 8u * THREADS) {
            let first = (input4(i) + input4(i + THREADS)) + (input4(i + 2u * THREADS) + input4(i + 3u * THREADS));
            let second = (input4(i + 4u * THREADS) + input4(i + 5u * THREADS)) + (input4(i + 6u * THREADS) + input4(i + 7u * THREADS));
            sum += first + second;
        }
        result.mean = workgroup_sum(total(sum), lane) / f32(params.cols);
    }
    let mean = result.mean;
    var squares = vec4<f32>();
    for (var i = lane; i < quads; i += 8u * THREADS) {
        let first = (square4(i, mean) + square4(i + THREADS, mean)) + (square4(i + 2u * THREADS, mean) + square4(i + 3u * THREADS, mean));
        let second = (square4(i + 4u * THREADS, mean) + square4(i + 5u * THREADS, mean))
            + (square4(i + 6u * THREADS, mean) + square4(i + 7u * THREADS, mean));
        squares += first + second;
    }
    result.scale = reciprocal_root(workgroup_sum(total(squares), lane) / f32(params.cols) + params.eps);
    return result;
}
