// out[m, n] = finish(sum_k x[m, k] * W[n, k]): a TILE x TILE block per workgroup of 256 threads, 4 x 4 results per thread.
// Both tiles are kept along k in vec4, rows padded by one vec4 so that neighbouring rows fall in different banks.
struct Params {
    rows: u32,        // M
    outputs: u32,     // N
    cols: u32,        // K, a multiple of 4
    out_stride: u32,  // elements between output rows
    column: u32,      // output column and bias index of row 0 of this part of W
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;    // [M, K]
@group(0) @binding(4) var<storage, read> bias: array<f32>;       // [N]
@group(0) @binding(5) var<storage, read> gate: array<f32>;       // [1], for ADD_GATED
@group(0) @binding(6) var<storage, read_write> out: array<f32>;  // [M, out_stride]
//!include common/grid.wgsl
//!include common/epilogue.wgsl
const TILE: u32 = 64u;
const QUADS: u32 = 4u;           // vec4 along k per tile: 16 columns
const PITCH: u32 = QUADS + 1u;
const SIDE: u32 = 16u;           // threads per side; thread t owns rows and columns t, t + 16, t + 32, t + 48

var<workgroup> x_tile: array<vec4<f32>, TILE * PITCH>;
var<workgroup> w_tile: array<vec4<f32>, TILE * PITCH>;

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let blocks = (params.outputs + TILE - 1u) / TILE;
    let block = linear_group(group_id, groups);
    let m0 = (block / blocks) * TILE;
    let n0 = (block % blocks) * TILE;
    let tx = lane % SIDE;
    let ty = lane / SIDE;
    let load_row = lane / QUADS;
    let load_quad = lane % QUADS;
    let quads = params.cols / 4u;
    var sums: array<vec4<f32>, 4>;
    for (var base = 0u; base < quads; base += QUADS) {
        let quad = base + load_quad;
        var from_x = vec4<f32>(0.0);
        var from_w = vec4<f32>(0.0);
        if (quad < quads) {
            if (m0 + load_row < params.rows) { from_x = x[(m0 + load_row) * quads + quad]; }
            if (n0 + load_row < params.outputs) { from_w = weight4(n0 + load_row, quad * 4u, params.cols); }
        }
        x_tile[load_row * PITCH + load_quad] = from_x;
        w_tile[load_row * PITCH + load_quad] = from_w;
        workgroupBarrier();
        for (var q = 0u; q < QUADS; q += 1u) {
            let w0 = w_tile[tx * PITCH + q];
            let w1 = w_tile[(tx + SIDE) * PITCH + q];
            let w2 = w_tile[(tx + 2u * SIDE) * PITCH + q];
            let w3 = w_tile[(tx + 3u * SIDE) * PITCH + q];
            for (var i = 0u; i < 4u; i += 1u) {
                let a = x_tile[(ty + i * SIDE) * PITCH + q];
                sums[i] += vec4<f32>(dot(a, w0), dot(a, w1), dot(a, w2), dot(a, w3));
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i += 1u) {
        let m = m0 + ty + i * SIDE;
        if (m >= params.rows) { continue; }
        for (var j = 0u; j < 4u; j += 1u) {
            let n = n0 + tx + j * SIDE;
            if (n < params.outputs) { finish(m * params.out_stride + params.column + n, params.column + n, sums[i][j]); }
        }
    }
}
