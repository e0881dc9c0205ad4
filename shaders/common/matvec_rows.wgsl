// out[n] = finish(sum_k W[n, k] * norm(x)[k]) for consecutive rows.
struct Params {
    rows: u32,        // N
    cols: u32,        // K
    x_offset: u32,    // first element of the input row, in units of vec4
    column: u32,      // output and bias index of row 0 of this part of W
    epilogue: u32,    // what is done with a result
    eps: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read> bias: array<f32>;        // [N]
@group(0) @binding(6) var<storage, read> gate: array<f32>;        // [1], for ADD_GATED
@group(0) @binding(7) var<storage, read_write> out: array<f32>;   // [N]
//!include common/epilogue.wgsl

fn row_of(block: u32, slot: u32) -> u32 {
    return min(block * ROWS + slot, params.rows - 1u);
}

fn store(block: u32, slot: u32) {
    let row = block * ROWS + slot;
    if (row < params.rows) { finish(params.column + row, params.column + row, row_sums[slot]); }
}
