// Joins the slices of attention_split: out[h, :] = sum_s e^(m_s - m) * o_s / sum_s e^(m_s - m) * l_s. Grid x: heads.
struct Params {
    keys: u32,       // as in attention_split
    head_dim: u32,
    splits: u32,     // records per head in `partial`
    keys_per_split: u32,
}
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;    // [heads, splits, 2 + head_dim]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [heads * head_dim]
@group(0) @binding(3) var<uniform> step: Step;

override CAUSAL: u32 = 0u;
const THREADS: u32 = 64u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let keys = select(params.keys, step.position + 1u, CAUSAL == 1u);
    let used = (keys + params.keys_per_split - 1u) / params.keys_per_split;
    let size = 2u + params.head_dim;
    let base = group_id.x * params.splits * size;
    var high = partial[base];
    for (var s = 1u; s < used; s += 1u) { high = max(high, partial[base + s * size]); }
    var total = 0.0;
    for (var s = 0u; s < used; s += 1u) { total += exp(partial[base + s * size] - high) * partial[base + s * size + 1u]; }
    for (var d = lane; d < params.head_dim; d += THREADS) {
        var sum = 0.0;
        for (var s = 0u; s < used; s += 1u) { sum += exp(partial[base + s * size] - high) * partial[base + s * size + 2u + d]; }
        out[group_id.x * params.head_dim + d] = sum / total;
    }
}
