// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): SIDE_M * PER_M rows by 64 columns of results per workgroup of SIDE_M * 16 threads,
// PER_M x 4 per thread. For hardware GPUs. With PART = 1 out[s, m, n] is the sum over the s-th part of the columns of x and W, and
// matmul_combine adds the parts up. matmul_half_* holds the tiles in float16 (common/tile_half), matmul_int8_* as int8 (common/tile_int8).
// Both operands pass through tiles in workgroup memory: 4 quads along k, of 4 floats or 16 codes each, rows padded by one quad so that
// neighbouring rows fall in different banks. Grid x: parts * ceil(M / (SIDE_M * PER_M)) * ceil(N / 64).
override SIDE_M: u32 = 16u;    // threads along M: 2, 4, 8 or 16; thread t owns rows t, t + SIDE_M, ...
override PER_M: u32 = 4u;      // rows per thread: 4, 5 or 6
override THREADS: u32 = 256u;  // 16 * SIDE_M
override X_TILE: u32 = 320u;   // SIDE_M * PER_M * PITCH
override PART: u32 = 0u;       // 1: the workgroup sums a part of the columns only
const SIDE: u32 = 16u;         // threads along N; thread t owns columns t, t + 16, t + 32, t + 48
const TILE_N: u32 = 64u;
const QUADS: u32 = 4u;         // along k per tile
const PITCH: u32 = QUADS + 1u;

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
    var end = params.cols / COLUMNS;
    if (PART == 1u) {
        group = index % tiles;
        let quads = params.part_cols / COLUMNS;
        begin = (index / tiles) * quads;
        end = min(begin + quads, end);
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
    var x0 = load_x(m0 + load_row, first);
    var x1 = x0;
    if (PER_M > 4u) { x1 = load_x(m0 + load_row + step, first); }
    var w0 = load_w(n0 + load_row, first);
    var w1 = w0;
    var w2 = w0;
    var w3 = w0;
    var w4 = w0;
    var w5 = w0;
    var w6 = w0;
    var w7 = w0;
    if (w_loads(1u)) { w1 = load_w(n0 + load_row + step, first); }
    if (w_loads(2u)) {
        w2 = load_w(n0 + load_row + 2u * step, first);
        w3 = load_w(n0 + load_row + 3u * step, first);
    }
    if (w_loads(4u)) {
        w4 = load_w(n0 + load_row + 4u * step, first);
        w5 = load_w(n0 + load_row + 5u * step, first);
        w6 = load_w(n0 + load_row + 6u * step, first);
        w7 = load_w(n0 + load_row + 7u * step, first);
    }
    begin_units(lane, x0, x1);
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
        put_x(load_row, load_quad, base + load_quad, x0);
        if (PER_M > 4u && load_row + step < tile_m) { put_x(load_row + step, load_quad, base + load_quad, x1); }
        put_w(load_row, load_quad, w0);
        if (w_loads(1u)) { put_w(load_row + step, load_quad, w1); }
        if (w_loads(2u)) {
            put_w(load_row + 2u * step, load_quad, w2);
            put_w(load_row + 3u * step, load_quad, w3);
        }
        if (w_loads(4u)) {
            put_w(load_row + 4u * step, load_quad, w4);
            put_w(load_row + 5u * step, load_quad, w5);
            put_w(load_row + 6u * step, load_quad, w6);
            put_w(load_row + 7u * step, load_quad, w7);
        }
        workgroupBarrier();
        // The next tile is in flight while this one is used.
        let next = base + QUADS + load_quad;
        x0 = load_x(m0 + load_row, next);
        if (PER_M > 4u) { x1 = load_x(m0 + load_row + step, next); }
        w0 = load_w(n0 + load_row, next);
        if (w_loads(1u)) { w1 = load_w(n0 + load_row + step, next); }
        if (w_loads(2u)) {
            w2 = load_w(n0 + load_row + 2u * step, next);
            w3 = load_w(n0 + load_row + 3u * step, next);
        }
        if (w_loads(4u)) {
            w4 = load_w(n0 + load_row + 4u * step, next);
            w5 = load_w(n0 + load_row + 5u * step, next);
            w6 = load_w(n0 + load_row + 6u * step, next);
            w7 = load_w(n0 + load_row + 7u * step, next);
        }
        for (var q = 0u; q < STEPS; q += 1u) {
            let a = w_at(tx, q);
            let b = w_at(tx + SIDE, q);
            let c = w_at(tx + 2u * SIDE, q);
            let d = w_at(tx + 3u * SIDE, q);
            sum0 = plus_dots(sum0, x_at(ty, q), a, b, c, d);
            sum1 = plus_dots(sum1, x_at(ty + SIDE_M, q), a, b, c, d);
            sum2 = plus_dots(sum2, x_at(ty + 2u * SIDE_M, q), a, b, c, d);
            sum3 = plus_dots(sum3, x_at(ty + 3u * SIDE_M, q), a, b, c, d);
            if (PER_M > 4u) { sum4 = plus_dots(sum4, x_at(ty + 4u * SIDE_M, q), a, b, c, d); }
            if (PER_M > 5u) { sum5 = plus_dots(sum5, x_at(ty + 5u * SIDE_M, q), a, b, c, d); }
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
        if (begin * COLUMNS >= params.cols) { return; }
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
