// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): TILE x TILE results per workgroup of 256 threads, 4 x 4 per thread. For hardware GPUs.
// Both operands pass through tiles in workgroup memory: vec4 along k, rows padded by one vec4 so that neighbouring rows fall in
// different banks.
//!include common/matmul_tile.wgsl
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
    let across = (params.outputs + TILE - 1u) / TILE;  // workgroups along N
    let group = linear_group(group_id, groups);
    let m0 = (group / across) * TILE;
    let n0 = (group % across) * TILE;
    let tx = lane % SIDE;
    let ty = lane / SIDE;
    let load_row = lane / QUADS;
    let load_quad = lane % QUADS;
    // Written out: not every compiler unrolls loops, and an array indexed in a loop lives in memory.
    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);
    var from_x = x_quad(m0 + load_row, load_quad);
    var from_w = w_quad(n0 + load_row, load_quad);
    for (var base = 0u; base < params.cols / 4u; base += QUADS) {
        x_tile[load_row * PITCH + load_quad] = inside(base + load_quad, from_x);
        w_tile[load_row * PITCH + load_quad] = values4(from_w);
        workgroupBarrier();
        // The next tile is in flight while this one is used.
        from_x = x_quad(m0 + load_row, base + QUADS + load_quad);
        from_w = w_quad(n0 + load_row, base + QUADS + load_quad);
        for (var q = 0u; q < QUADS; q += 1u) {
            let w0 = w_tile[tx * PITCH + q];
            let w1 = w_tile[(tx + SIDE) * PITCH + q];
            let w2 = w_tile[(tx + 2u * SIDE) * PITCH + q];
            let w3 = w_tile[(tx + 3u * SIDE) * PITCH + q];
            sum0 = plus_dots(sum0, x_tile[ty * PITCH + q], w0, w1, w2, w3);
            sum1 = plus_dots(sum1, x_tile[(ty + SIDE) * PITCH + q], w0, w1, w2, w3);
            sum2 = plus_dots(sum2, x_tile[(ty + 2u * SIDE) * PITCH + q], w0, w1, w2, w3);
            sum3 = plus_dots(sum3, x_tile[(ty + 3u * SIDE) * PITCH + q], w0, w1, w2, w3);
        }
        workgroupBarrier();
    }
    let factor = gate_factor();
    store_row(m0 + ty, n0 + tx, sum0, factor);
    store_row(m0 + ty + SIDE, n0 + tx, sum1, factor);
    store_row(m0 + ty + 2u * SIDE, n0 + tx, sum2, factor);
    store_row(m0 + ty + 3u * SIDE, n0 + tx, sum3, factor);
}

fn store_row(m: u32, n: u32, sums: vec4<f32>, factor: f32) {
    if (m >= params.rows) { return; }
    let base = m * params.out_stride + params.column;
    store_one(base, n, sums.x, factor);
    store_one(base, n + SIDE, sums.y, factor);
    store_one(base, n + 2u * SIDE, sums.z, factor);
    store_one(base, n + 3u * SIDE, sums.w, factor);
}

fn store_one(base: u32, n: u32, sum: f32, factor: f32) {
    if (n < params.outputs) { finish(base + n, params.column + n, sum * row_scale(n, params.cols), factor); }
}
