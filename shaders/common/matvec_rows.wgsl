// out[n] = epilogue(sum_k W[n, k] * norm(x)[k]): ROWS consecutive rows per workgroup.
struct Params {
    rows: u32,        // N
    cols: u32,        // K
    x_offset: u32,    // first element of the input row, in units of vec4
    column: u32,      // output and bias index of row 0 of this part of W
    epilogue: u32,    // bits of common/epilogue.wgsl
    eps: f32,
    part_blocks: u32, // blocks of 32 columns per part, where the columns are split
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read> bias: array<f32>;        // [N]
@group(0) @binding(6) var<storage, read> gate: array<f32>;        // [1], for ADD_GATED
@group(0) @binding(7) var<storage, read_write> out: array<f32>;   // [N]
//!include common/epilogue.wgsl

// Rows of W.
fn all_rows() -> u32 { return params.rows; }

fn row_of(group: u32, slot: u32) -> u32 {
    return min(group * ROWS + slot, params.rows - 1u);
}

fn store(group: u32, slot: u32) {
    let row = group * ROWS + slot;
    if (row < params.rows) { finish(params.column + row, params.column + row, row_sums[slot], gate_factor()); }
}
