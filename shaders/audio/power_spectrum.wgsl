// |FFT|^2 of the Hann-windowed frames of one sound: one workgroup per frame, radix-2 decimation in time in workgroup memory.
// Frame t starts at sample t * hop - n_fft/2; the sound is mirrored at both ends without repeating the edge sample.
// Twiddles come from a table: built-in sin and cos may be off by 2^-11.
struct Params {
    samples: u32,  // per window
    frames: u32,   // per window
    windows: u32,
    hop: u32,
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sound: array<f32>;           // [windows, samples]
@group(0) @binding(2) var<storage, read> hann: array<f32>;            // [N_FFT]
@group(0) @binding(3) var<storage, read> twiddle: array<vec2<f32>>;   // [N_FFT/2]: cos, -sin of 2 pi k / N_FFT
@group(0) @binding(4) var<storage, read_write> power: array<f32>;     // [windows * frames, N_FFT/2 + 1]

override N_FFT: u32 = 1024u;
override LOG2_N_FFT: u32 = 10u;
const THREADS: u32 = 128u;

var<workgroup> signal: array<vec2<f32>, N_FFT>;

fn mirrored(position: i32) -> u32 {
    let last = i32(params.samples) - 1;
    let folded = abs(position);
    return u32(select(folded, 2 * last - folded, folded > last));
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = min(linear_group(group_id, groups), params.windows * params.frames - 1u);
    let window = row / params.frames;
    let start = i32((row % params.frames) * params.hop) - i32(N_FFT / 2u);
    for (var i = lane; i < N_FFT; i += THREADS) {
        let value = sound[window * params.samples + mirrored(start + i32(i))] * hann[i];
        signal[reverseBits(i) >> (32u - LOG2_N_FFT)] = vec2<f32>(value, 0.0);
    }
    for (var stage = 0u; stage < LOG2_N_FFT; stage += 1u) {
        workgroupBarrier();
        let half = 1u << stage;
        for (var b = lane; b < N_FFT / 2u; b += THREADS) {
            let j = b & (half - 1u);
            let low = ((b >> stage) << (stage + 1u)) + j;
            let w = twiddle[j << (LOG2_N_FFT - 1u - stage)];
            let odd = signal[low + half];
            let turned = vec2<f32>(odd.x * w.x - odd.y * w.y, odd.x * w.y + odd.y * w.x);
            let even = signal[low];
            signal[low] = even + turned;
            signal[low + half] = even - turned;
        }
    }
    workgroupBarrier();
    let bins = N_FFT / 2u + 1u;
    for (var i = lane; i < bins; i += THREADS) { power[row * bins + i] = dot(signal[i], signal[i]); }
}
