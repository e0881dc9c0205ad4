// image[n_mels * r + m, c] = sum_tap tap_weights[side * r + c, tap] * bn(logmel[taps[side * r + c, tap], m]): batch norm per mel bin,
// bicubic interpolation along time, and the quarters r of the time axis stacked.
struct Params {
    windows: u32,
    frames: u32,  // rows of the log-mel
    n_mels: u32,
    side: u32,    // side of the image
}
//!include common/finite.wgsl
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logmel: array<f32>;            // [windows * frames, n_mels]
@group(0) @binding(2) var<storage, read> batch_norm: array<f32>;        // [4, n_mels]: weight, bias, running mean, running variance
@group(0) @binding(3) var<storage, read> taps: array<vec4<u32>>;        // [time]: source frames
@group(0) @binding(4) var<storage, read> tap_weights: array<vec4<f32>>; // [time]
@group(0) @binding(5) var<storage, read_write> image: array<f32>;       // [windows, side, side]

fn normalised(window: u32, frame: u32, mel: u32) -> f32 {
    let n = params.n_mels;
    let value = logmel[(window * params.frames + frame) * n + mel];
    let variance = batch_norm[3u * n + mel];
    let weight = select(batch_norm[mel], variance, not_finite(variance));  // x / infinity would hide it
    return (value - batch_norm[2u * n + mel]) / sqrt(variance + 1.0e-5) * weight + batch_norm[n + mel];
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let pixels = params.side * params.side;
    let window = index / pixels;
    if (window >= params.windows) { return; }
    let row = (index % pixels) / params.side;
    let mel = row % params.n_mels;
    let time = params.side * (row / params.n_mels) + index % params.side;
    let frames = taps[time];
    let values = vec4<f32>(
        normalised(window, frames.x, mel),
        normalised(window, frames.y, mel),
        normalised(window, frames.z, mel),
        normalised(window, frames.w, mel),
    );
    image[index] = dot(values, tap_weights[time]);
}
