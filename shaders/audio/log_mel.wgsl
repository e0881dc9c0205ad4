// out[t, m] = 10 log10(max(sum_b power[t, b] * bank[b, m], 1e-10)). One thread per frame and mel bin, over the bins where the triangle is
// not zero.
struct Params {
    rows: u32,    // frames of all windows
    n_mels: u32,
    bins: u32,    // n_fft/2 + 1
}
//!include common/finite.wgsl
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> power: array<f32>;          // [rows, bins]
@group(0) @binding(2) var<storage, read> bank: array<f32>;           // [bins, n_mels], HTK scale, no area normalisation
@group(0) @binding(3) var<storage, read> support: array<vec2<u32>>;  // [n_mels]: first bin and end of each triangle
@group(0) @binding(4) var<storage, read_write> out: array<f32>;      // [rows, n_mels]

const DECIBELS_PER_OCTAVE: f32 = 3.0102999566398120;  // 10 log10(2)

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = linear_group(group_id, groups) * 64u + lane;
    let row = index / params.n_mels;
    if (row >= params.rows) { return; }
    let mel = index % params.n_mels;
    let range = support[mel];
    var energy = 0.0;
    for (var b = range.x; b < range.y; b += 1u) { energy += power[row * params.bins + b] * bank[b * params.n_mels + mel]; }
    // Silence is exactly -100 dB in the published implementation; log2 alone would be a rounding error away.
    let decibels = select(-100.0, DECIBELS_PER_OCTAVE * log2(energy), energy > 1.0e-10);
    out[index] = select(decibels, energy, not_finite(energy));
}
