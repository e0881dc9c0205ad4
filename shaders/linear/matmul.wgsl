// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): SIDE_M * PER_M rows by 64 columns of results per workgroup of SIDE_M * 16 threads,
// PER_M x 4 per thread. For hardware GPUs. With PART = 1 out[s, m, n] is the sum over the s-th part of the columns of x and W, and
// matmul_combine adds the parts up. matmul_half_* holds the tiles in float16 (common/tile_half).
// Both operands pass through tiles in workgroup memory: vec4 along k, rows padded by one vec4 so that neighbouring rows fall in
// different banks. Grid x: parts * ceil(M / (SIDE_M * PER_M)) * ceil(N / 64).
//!include common/matmul_tile.wgsl
override SIDE_M: u32 = 16u;    // threads along M: 2, 4, 8 or 16; thread t owns rows t, t + SIDE_M, ...
override PER_M: u32 = 4u;      // rows per thread: 4, 5 or 6
override THREADS: u32 = 256u;  // 16 * SIDE_M
override X_TILE: u32 = 320u;   // SIDE_M * PER_M * PITCH
override PART: u32 = 0u;       // 1: the workgroup sums a part of the columns only
const SIDE: u32 = 16u;         // threads along N; thread t owns columns t, t + 16, t + 32, t + 48
const TILE_N: u32 = 64u;
const QUADS: u32 = 4u;         // vec4 along k per tile: 16 columns
const PITCH: u32 = QUADS + 1u;

var<workgroup> x_tile: array<Tile4, X_TILE>;
var<workgroup> w_tile: array<Tile4, TILE_N * PITCH>;

// Fewer threads load more quads of W each: those 4 SIDE_M rows apart.
fn w_loads(i: u32) -> bool { return i * SIDE_M < 16u; }

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile_m = SIDE_M * PER_M;
    let across = (params.outputs + TILE_N - 1u) / TILE_N;  // workgroups along N
    let tiles = across * ((params.rows + tile_m - 1u) / tile_m);
    let index = linear_group(group_id, groups);
    var group = index;
    var begin = 0u;
    var end = params.cols / 4u;
    if (PART == 1u) {
        group = index % tiles;
        begin = (index / tiles) * params.part_quads;
        end = min(begin + params.part_quads, end);
    }
    let m0 = (group / across) * tile_m;
    let n0 = (group % across) * TILE_N;
    let tx = lane % SIDE;
    let ty = lane / SIDE;
    let load_row = lane / QUADS;
    let load_quad = lane % QUADS;
    let step = 4u * SIDE_M;  // rows that all threads load at once
    // Written out: not every compiler unrolls loops, and an array indexed in a loop lives in memory.
    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);
    var sum4 = vec4<f32>(0.0);
    var sum5 = vec4<f32>(0.0);
    let first = begin + load_quad;
    var x0 = x_quad(m0 + load_row, first);
    var x1 = x0;
    if (PER_M > 4u) { x1 = x_quad(m0 + load_row + step, first); }
    var w0 = w_quad(n0 + load_row, first);
    var w1 = w0;
    var w2 = w0;
    var w3 = w0;
    var w4 = w0;
    var w5 = w0;
    var w6 = w0;
    var w7 = w0;
    if (w_loads(1u)) { w1 = w_quad(n0 + load_row + step, first); }
    if (w_loads(2u)) {
        w2 = w_quad(n0 + load_row + 2u * step, first);
        w3 = w_quad(n0 + load_row + 3u * step, first);
    }
    if (w_loads(4u)) {
        w4 = w_quad(n0 + load_row + 4u * step, first);
        w5 = w_quad(n0 + load_row + 5u * step, first);
        w6 = w_quad(n0 + load_row + 6u * step, first);
        w7 = w_quad(n0 + load_row + 7u * step, first);
    }
    begin_units(lane, x0, x1);
    let place = load_row * PITCH + load_quad;
    let apart = step * PITCH;
    for (var base = begin; base < end; base += QUADS) {
        let smaller = next_units();
        if (HALF && smaller != 1.0) {
            sum0 *= smaller;
            sum1 *= smaller;
            sum2 *= smaller;
            sum3 *= smaller;
            sum4 *= smaller;
            sum5 *= smaller;
        }
        x_tile[place] = tile_x(inside(base + load_quad, x0));
        if (PER_M > 4u && load_row + step < tile_m) { x_tile[place + apart] = tile_x(inside(base + load_quad, x1)); }
        w_tile[place] = tile_w(values4(w0));
        if (w_loads(1u)) { w_tile[place + apart] = tile_w(values4(w1)); }
        if (w_loads(2u)) {
            w_tile[place + 2u * apart] = tile_w(values4(w2));
            w_tile[place + 3u * apart] = tile_w(values4(w3));
        }
        if (w_loads(4u)) {
            w_tile[place + 4u * apart] = tile_w(values4(w4));
            w_tile[place + 5u * apart] = tile_w(values4(w5));
            w_tile[place + 6u * apart] = tile_w(values4(w6));
            w_tile[place + 7u * apart] = tile_w(values4(w7));
        }
        workgroupBarrier();
        // The next tile is in flight while this one is used.
        let next = base + QUADS + load_quad;
        x0 = x_quad(m0 + load_row, next);
        if (PER_M > 4u) { x1 = x_quad(m0 + load_row + step, next); }
        w0 = w_quad(n0 + load_row, next);
        if (w_loads(1u)) { w1 = w_quad(n0 + load_row + step, next); }
        if (w_loads(2u)) {
            w2 = w_quad(n0 + load_row + 2u * step, next);
            w3 = w_quad(n0 + load_row + 3u * step, next);
        }
        if (w_loads(4u)) {
            w4 = w_quad(n0 + load_row + 4u * step, next);
            w5 = w_quad(n0 + load_row + 5u * step, next);
            w6 = w_quad(n0 + load_row + 6u * step, next);
            w7 = w_quad(n0 + load_row + 7u * step, next);
        }
        for (var q = 0u; q < QUADS; q += 1u) {
            let a = from_tile(w_tile[tx * PITCH + q]);
            let b = from_tile(w_tile[(tx + SIDE) * PITCH + q]);
            let c = from_tile(w_tile[(tx + 2u * SIDE) * PITCH + q]);
            let d = from_tile(w_tile[(tx + 3u * SIDE) * PITCH + q]);
            sum0 = plus_dots(sum0, from_tile(x_tile[ty * PITCH + q]), a, b, c, d);
            sum1 = plus_dots(sum1, from_tile(x_tile[(ty + SIDE_M) * PITCH + q]), a, b, c, d);
            sum2 = plus_dots(sum2, from_tile(x_tile[(ty + 2u * SIDE_M) * PITCH + q]), a, b, c, d);
            sum3 = plus_dots(sum3, from_tile(x_tile[(ty + 3u * SIDE_M) * PITCH + q]), a, b, c, d);
            if (PER_M > 4u) { sum4 = plus_dots(sum4, from_tile(x_tile[(ty + 4u * SIDE_M) * PITCH + q]), a, b, c, d); }
            if (PER_M > 5u) { sum5 = plus_dots(sum5, from_tile(x_tile[(ty + 5u * SIDE_M) * PITCH + q]), a, b, c, d); }
        }
        note(x0, x1);
        workgroupBarrier();
    }
    if (HALF) {
        sum0 *= unit();
        sum1 *= unit();
        sum2 *= unit();
        sum3 *= unit();
        sum4 *= unit();
        sum5 *= unit();
    }
    if (PART == 1u) {
        if (begin >= params.cols / 4u) { return; }
        let part = (index / tiles) * params.rows;
        leave_row(part, m0 + ty, n0 + tx, sum0);
        leave_row(part, m0 + ty + SIDE_M, n0 + tx, sum1);
        leave_row(part, m0 + ty + 2u * SIDE_M, n0 + tx, sum2);
        leave_row(part, m0 + ty + 3u * SIDE_M, n0 + tx, sum3);
        if (PER_M > 4u) { leave_row(part, m0 + ty + 4u * SIDE_M, n0 + tx, sum4); }
        if (PER_M > 5u) { leave_row(part, m0 + ty + 5u * SIDE_M, n0 + tx, sum5); }
        return;
    }
    let factor = gate_factor();
    store_row(m0 + ty, n0 + tx, sum0, factor);
    store_row(m0 + ty + SIDE_M, n0 + tx, sum1, factor);
    store_row(m0 + ty + 2u * SIDE_M, n0 + tx, sum2, factor);
    store_row(m0 + ty + 3u * SIDE_M, n0 + tx, sum3, factor);
    if (PER_M > 4u) { store_row(m0 + ty + 4u * SIDE_M, n0 + tx, sum4, factor); }
    if (PER_M > 5u) { store_row(m0 + ty + 5u * SIDE_M, n0 + tx, sum5, factor); }
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

// Sums over a part of the columns, without an epilogue.
fn leave_row(part: u32, m: u32, n: u32, sums: vec4<f32>) {
    if (m >= params.rows) { return; }
    let base = (part + m) * params.outputs;
    leave_one(base, n, sums.x);
    leave_one(base, n + SIDE, sums.y);
    leave_one(base, n + 2u * SIDE, sums.z);
    leave_one(base, n + 3u * SIDE, sums.w);
}

fn leave_one(base: u32, n: u32, sum: f32) {
    if (n < params.outputs) { out[base + n] = sum * row_scale(n, params.cols); }
}
