// out[f] = silu(sum_k G[f, k] * norm(x)[k]) * (sum_k U[f, k] * norm(x)[k]) of the SwiGLU feed-forward. W holds the F rows of gate_proj (G),
// then the F rows of up_proj (U).
struct Params {
    inner: u32,       // F: rows of each half
    cols: u32,        // K
    x_offset: u32,    // first element of the input row, in units of vec4
    column: u32,      // index of the first output of this part of W
    eps: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;   // [F]
//!include common/activation.wgsl

// Rows of W.
fn all_rows() -> u32 { return 2u * params.inner; }

// Slots 2i and 2i + 1 are the gate and the up row of the same output.
fn row_of(group: u32, slot: u32) -> u32 {
    let pair = min(group * (ROWS / 2u) + slot / 2u, params.inner - 1u);
    return pair + (slot & 1u) * params.inner;
}

fn store(group: u32, slot: u32) {
    let pair = group * (ROWS / 2u) + slot / 2u;
    if ((slot & 1u) == 0u && pair < params.inner) {
        out[params.column + pair] = silu(row_sums[slot]) * row_sums[slot + 1u];
    }
}
