// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): TILE x TILE results per workgroup of 256 threads, 8 x 8 per thread. For hardware GPUs
// with registers to spare: 16 loads from workgroup memory feed 256 multiply-adds, where the 4 x 4 kernel loads 8 for 64.
// Tiles as in matmul: vec4 along k, rows padded by one vec4 so that neighbouring rows fall in different banks.
//!include common/matmul_tile.wgsl
const TILE: u32 = 128u;
const QUADS: u32 = 2u;           // vec4 along k per tile: 8 columns
const PITCH: u32 = QUADS + 1u;
const SIDE: u32 = 16u;           // threads per side; thread t owns rows and columns t, t + 16, ... t + 112

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
    var left0 = vec4<f32>();
    var left1 = vec4<f32>();
    var left2 = vec4<f32>();
    var left3 = vec4<f32>();
    var left4 = vec4<f32>();
    var left5 = vec4<f32>();
    var left6 = vec4<f32>();
    var left7 = vec4<f32>();
    var right0 = vec4<f32>();
    var right1 = vec4<f32>();
    var right2 = vec4<f32>();
    var right3 = vec4<f32>();
    var right4 = vec4<f32>();
    var right5 = vec4<f32>();
    var right6 = vec4<f32>();
    var right7 = vec4<f32>();
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
            let w4 = w_tile[(tx + 4u * SIDE) * PITCH + q];
            let w5 = w_tile[(tx + 5u * SIDE) * PITCH + q];
            let w6 = w_tile[(tx + 6u * SIDE) * PITCH + q];
            let w7 = w_tile[(tx + 7u * SIDE) * PITCH + q];
            let a0 = x_tile[ty * PITCH + q];
            left0 = plus_dots(left0, a0, w0, w1, w2, w3);
            right0 = plus_dots(right0, a0, w4, w5, w6, w7);
            let a1 = x_tile[(ty + SIDE) * PITCH + q];
            left1 = plus_dots(left1, a1, w0, w1, w2, w3);
            right1 = plus_dots(right1, a1, w4, w5, w6, w7);
            let a2 = x_tile[(ty + 2u * SIDE) * PITCH + q];
            left2 = plus_dots(left2, a2, w0, w1, w2, w3);
            right2 = plus_dots(right2, a2, w4, w5, w6, w7);
            let a3 = x_tile[(ty + 3u * SIDE) * PITCH + q];
            left3 = plus_dots(left3, a3, w0, w1, w2, w3);
            right3 = plus_dots(right3, a3, w4, w5, w6, w7);
            let a4 = x_tile[(ty + 4u * SIDE) * PITCH + q];
            left4 = plus_dots(left4, a4, w0, w1, w2, w3);
            right4 = plus_dots(right4, a4, w4, w5, w6, w7);
            let a5 = x_tile[(ty + 5u * SIDE) * PITCH + q];
            left5 = plus_dots(left5, a5, w0, w1, w2, w3);
            right5 = plus_dots(right5, a5, w4, w5, w6, w7);
            let a6 = x_tile[(ty + 6u * SIDE) * PITCH + q];
            left6 = plus_dots(left6, a6, w0, w1, w2, w3);
            right6 = plus_dots(right6, a6, w4, w5, w6, w7);
            let a7 = x_tile[(ty + 7u * SIDE) * PITCH + q];
            left7 = plus_dots(left7, a7, w0, w1, w2, w3);
            right7 = plus_dots(right7, a7, w4, w5, w6, w7);
        }
        workgroupBarrier();
    }
    // A loop: the epilogue is long, and 64 copies of it take a compiler seconds.
    var sums = array<vec4<f32>, 16>(
        left0, right0, left1, right1, left2, right2, left3, right3,
        left4, right4, left5, right5, left6, right6, left7, right7,
    );
    let factor = gate_factor();
    for (var column = 0u; column < 8u; column += 1u) {
        let n = n0 + tx + column * SIDE;
        if (n >= params.outputs) { break; }
        let scale = row_scale(n, params.cols);
        for (var row = 0u; row < 8u; row += 1u) {
            let m = m0 + ty + row * SIDE;
            if (m >= params.rows) { break; }
            let at = params.column + n;
            finish(m * params.out_stride + at, at, sums[row * 2u + column / 4u][column % 4u] * scale, factor);
        }
    }
}
