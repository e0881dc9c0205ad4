// The loop of the staged matvec kernels, for hardware GPUs: ROWS rows of W per workgroup, of each one block of 32 columns per thread and
// turn. A workgroup loads the inputs of a turn side by side, multiplies them by the norm's weights and lays them out in workgroup
// memory such that no two threads meet in a bank. The blocks of the next turn are loaded before those of this turn are used: memory
// latency is what limits the kernel. So no load is behind a branch, and what a compiler might leave a loop is written out.
// The kernel defines which rows (`row_of`); the scheme defines a `Block32` of a row.
//!include common/matvec_input.wgsl
override ROWS: u32 = 8u;    // 4 or 8
override TILE: u32 = 520u;  // 8 * (THREADS + 1)

var<workgroup> tile: array<vec4<f32>, TILE>;  // [8, THREADS + 1]: quad i of each thread's inputs; after the loop the threads' sums
var<workgroup> row_sums: array<f32, ROWS>;

// The 32 inputs of a thread, and the sums of their halves.
struct Inputs {
    x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>, left: f32,
    x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>, right: f32,
}

// A normed input. RMS leaves its scale out: that one factor is applied to the finished sums.
fn normed4(value: vec4<f32>, quad: u32, s: Statistics) -> vec4<f32> {
    if (NORM == NORM_NONE) { return value; }
    let quads = params.cols / 4u;
    let weight = norm[min(quad, quads - 1u)];
    if (NORM == NORM_RMS) { return value * weight; }
    return select(vec4<f32>(), (value - s.mean) * s.scale * weight + norm[quads + min(quad, quads - 1u)], quad < quads);
}

fn eight_parts(i: u32) -> vec4<f32> {
    return ((tile[i] + tile[i + 1u]) + (tile[i + 2u] + tile[i + 3u])) + ((tile[i + 4u] + tile[i + 5u]) + (tile[i + 6u] + tile[i + 7u]));
}

fn inputs(lane: u32) -> Inputs {
    let pitch = THREADS + 1u;
    let x0 = tile[lane];
    let x1 = tile[lane + pitch];
    let x2 = tile[lane + 2u * pitch];
    let x3 = tile[lane + 3u * pitch];
    let x4 = tile[lane + 4u * pitch];
    let x5 = tile[lane + 5u * pitch];
    let x6 = tile[lane + 6u * pitch];
    let x7 = tile[lane + 7u * pitch];
    return Inputs(x0, x1, x2, x3, total((x0 + x1) + (x2 + x3)), x4, x5, x6, x7, total((x4 + x5) + (x6 + x7)));
}

// Leaves the sums of the workgroup's rows in row_sums.
fn sum_rows(group: u32, lane: u32) {
    let cols = params.cols;
    let blocks = cols / 32u;
    let row0 = row_of(group, 0u);
    let row1 = row_of(group, 1u);
    let row2 = row_of(group, 2u);
    let row3 = row_of(group, 3u);
    let row4 = row_of(group, 4u % ROWS);
    let row5 = row_of(group, 5u % ROWS);
    let row6 = row_of(group, 6u % ROWS);
    let row7 = row_of(group, 7u % ROWS);
    let own_scale = row_scale(row_of(group, lane % ROWS), cols);
    var at = min(lane, blocks - 1u);
    var block0 = block32(row0, at, cols);
    var block1 = block32(row1, at, cols);
    var block2 = block32(row2, at, cols);
    var block3 = block32(row3, at, cols);
    var block4 = block0;
    var block5 = block1;
    var block6 = block2;
    var block7 = block3;
    if (ROWS == 8u) {
        block4 = block32(row4, at, cols);
        block5 = block32(row5, at, cols);
        block6 = block32(row6, at, cols);
        block7 = block32(row7, at, cols);
    }
    var s = Statistics(0.0, 1.0);
    if (NORM == NORM_LAYER) { s = statistics(lane); }
    let place = (lane % 8u) * (THREADS + 1u) + lane / 8u;
    let step_place = THREADS / 8u;
    var squares = vec4<f32>();
    var low = vec4<f32>();
    var high = vec4<f32>();
    for (var first = 0u; first < blocks; first += THREADS) {
        let quad = first * 8u + lane;
        let v0 = input4(quad);
        let v1 = input4(quad + THREADS);
        let v2 = input4(quad + 2u * THREADS);
        let v3 = input4(quad + 3u * THREADS);
        let v4 = input4(quad + 4u * THREADS);
        let v5 = input4(quad + 5u * THREADS);
        let v6 = input4(quad + 6u * THREADS);
        let v7 = input4(quad + 7u * THREADS);
        if (NORM == NORM_RMS) {
            squares += ((v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3)) + ((v4 * v4 + v5 * v5) + (v6 * v6 + v7 * v7));
        }
        tile[place] = normed4(v0, quad, s);
        tile[place + step_place] = normed4(v1, quad + THREADS, s);
        tile[place + 2u * step_place] = normed4(v2, quad + 2u * THREADS, s);
        tile[place + 3u * step_place] = normed4(v3, quad + 3u * THREADS, s);
        tile[place + 4u * step_place] = normed4(v4, quad + 4u * THREADS, s);
        tile[place + 5u * step_place] = normed4(v5, quad + 5u * THREADS, s);
        tile[place + 6u * step_place] = normed4(v6, quad + 6u * THREADS, s);
        tile[place + 7u * step_place] = normed4(v7, quad + 7u * THREADS, s);
        workgroupBarrier();
        let own = inputs(lane);
        let now0 = block0;
        let now1 = block1;
        let now2 = block2;
        let now3 = block3;
        let now4 = block4;
        let now5 = block5;
        let now6 = block6;
        let now7 = block7;
        if (first + THREADS < blocks) {
            at = min(first + THREADS + lane, blocks - 1u);
            block0 = block32(row0, at, cols);
            block1 = block32(row1, at, cols);
            block2 = block32(row2, at, cols);
            block3 = block32(row3, at, cols);
            if (ROWS == 8u) {
                block4 = block32(row4, at, cols);
                block5 = block32(row5, at, cols);
                block6 = block32(row6, at, cols);
                block7 = block32(row7, at, cols);
            }
        }
        low += vec4<f32>(dot_block32(now0, own), dot_block32(now1, own), dot_block32(now2, own), dot_block32(now3, own));
        if (ROWS == 8u) {
            high += vec4<f32>(dot_block32(now4, own), dot_block32(now5, own), dot_block32(now6, own), dot_block32(now7, own));
        }
        workgroupBarrier();
    }
    // Sums over threads of [low, high, squares]: eight parts of each, then their sum.
    tile[lane] = low;
    tile[lane + THREADS] = high;
    tile[lane + 2u * THREADS] = squares;
    workgroupBarrier();
    let parts = 3u * THREADS;
    for (var part = lane; part < 24u; part += THREADS) {
        var sum = vec4<f32>();
        for (var i = part * (THREADS / 8u); i < (part + 1u) * (THREADS / 8u); i += 1u) { sum += tile[i]; }
        tile[parts + part] = sum;
    }
    workgroupBarrier();
    for (var slot = lane; slot < ROWS; slot += THREADS) {
        let sums = eight_parts(parts + (slot / 4u) * 8u);
        var scale = own_scale;
        if (NORM == NORM_RMS) { scale *= reciprocal_root(total(eight_parts(parts + 16u)) / f32(cols) + params.eps); }
        row_sums[slot] = sums[slot % 4u] * scale;
    }
    workgroupBarrier();
}
