// Parameters and bindings of the matmul kernels: out[m, n] = epilogue(sum_k x[m, k] * W[n, k]).
struct Params {
    rows: u32,        // M
    outputs: u32,     // N
    cols: u32,        // K, a multiple of 4
    out_stride: u32,  // elements between output rows
    column: u32,      // output column and bias index of row 0 of this part of W
    lanes_n: u32,     // matmul_block, matmul_strip: threads side by side along N
    epilogue: u32,    // bits of common/epilogue.wgsl
    part_cols: u32,   // matmul: columns per part, where they are split; matmul_combine: parts
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(4) var<storage, read> bias: array<f32>;       // [N]
@group(0) @binding(5) var<storage, read> gate: array<f32>;       // [1], for ADD_GATED
@group(0) @binding(6) var<storage, read_write> out: array<f32>;  // [M, out_stride]
//!include common/grid.wgsl
//!include common/epilogue.wgsl
