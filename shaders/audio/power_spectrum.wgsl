// power[t, b] = |FFT(hann * frame t)[b]|^2: one workgroup per frame. The N_FFT real samples of a frame are packed as N_FFT/2 complex
// ones, transformed in workgroup memory (decimation in time, two radix-2 stages per barrier) and separated again.
// Frame t starts at sample t * hop - N_FFT/2; the audio is mirrored at both ends without repeating the edge sample.
// Twiddles come from a table: built-in sin and cos may be off by 2^-11.
struct Params {
    samples: u32,  // per window
    frames: u32,   // per window
    windows: u32,
    hop: u32,
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> audio: array<f32>;           // [windows, samples]
@group(0) @binding(2) var<storage, read> hann: array<f32>;            // [N_FFT]
@group(0) @binding(3) var<storage, read> twiddle: array<vec2<f32>>;   // [N_FFT/2]: cos, -sin of 2 pi k / N_FFT
@group(0) @binding(4) var<storage, read_write> power: array<f32>;     // [windows * frames, N_FFT/2 + 1]

override HALF: u32 = 512u;  // N_FFT/2, a power of two
override LOG2_HALF: u32 = 9u;
override THREADS: u32 = 128u;

var<workgroup> signal: array<vec2<f32>, HALF>;

fn sample(window: u32, position: i32) -> f32 {
    let last = i32(params.samples) - 1;
    let folded = abs(position);
    return audio[window * params.samples + u32(select(folded, 2 * last - folded, folded > last))];
}

fn turned(a: vec2<f32>, by: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * by.x - a.y * by.y, a.x * by.y + a.y * by.x);
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = min(linear_group(group_id, groups), params.windows * params.frames - 1u);
    let window = row / params.frames;
    let start = i32((row % params.frames) * params.hop) - i32(HALF);
    for (var i = lane; i < HALF; i += THREADS) {
        let even = sample(window, start + i32(2u * i)) * hann[2u * i];
        let odd = sample(window, start + i32(2u * i + 1u)) * hann[2u * i + 1u];
        signal[reverseBits(i) >> (32u - LOG2_HALF)] = vec2<f32>(even, odd);
    }
    var stage = LOG2_HALF & 1u;
    if ((LOG2_HALF & 1u) == 1u) {
        workgroupBarrier();
        for (var b = lane; b < HALF / 2u; b += THREADS) {
            let even = signal[2u * b];
            let odd = signal[2u * b + 1u];
            signal[2u * b] = even + odd;
            signal[2u * b + 1u] = even - odd;
        }
    }
    for (; stage < LOG2_HALF; stage += 2u) {
        workgroupBarrier();
        let step = 1u << stage;
        for (var b = lane; b < HALF / 4u; b += THREADS) {
            let j = b & (step - 1u);
            let low = ((b >> stage) << (stage + 2u)) + j;
            let first = twiddle[j << (LOG2_HALF - stage)];
            let second = twiddle[j << (LOG2_HALF - stage - 1u)];
            let a = signal[low];
            let b1 = turned(signal[low + step], first);
            let c = signal[low + 2u * step];
            let d = turned(signal[low + 3u * step], first);
            let sum = turned(c + d, second);
            let difference = turned(c - d, second);
            let quarter = vec2<f32>(difference.y, -difference.x);  // the second stage's odd half is a quarter turn further
            signal[low] = (a + b1) + sum;
            signal[low + step] = (a - b1) + quarter;
            signal[low + 2u * step] = (a + b1) - sum;
            signal[low + 3u * step] = (a - b1) - quarter;
        }
    }
    workgroupBarrier();
    for (var k = lane; k <= HALF; k += THREADS) {
        let z = signal[k % HALF];
        let mirror = signal[(HALF - k) % HALF] * vec2<f32>(1.0, -1.0);
        let even = 0.5 * (z + mirror);
        let odd = 0.5 * vec2<f32>(z.y - mirror.y, mirror.x - z.x);
        let turn = select(twiddle[min(k, HALF - 1u)], vec2<f32>(-1.0, 0.0), k == HALF);
        let bin = even + turned(odd, turn);
        power[row * (HALF + 1u) + k] = dot(bin, bin);
    }
}
