// The loop of the staged matvec kernels, for hardware GPUs. SLICES threads share a row: each takes one block of 32 columns per step, of
// ROWS * SLICES / THREADS = PER rows; the other threads take other rows. A step is used AHEAD at a time: a turn. A workgroup loads the
// inputs of THREADS blocks side by side, multiplies them by the norm's weights and lays them out in workgroup memory such that no two
// threads meet in a bank. The blocks of the next turn are loaded before those of this turn are used: memory latency is what limits the
// kernel. So no load is behind a branch that threads could take apart, and what a compiler might leave a loop is written out.
// The kernel defines which rows (`row_of`); the scheme defines a `Block32` of a row.
//!include common/matvec_input.wgsl
override ROWS: u32 = 8u;     // of the workgroup
override SLICES: u32 = 64u;  // divides THREADS
override PER: u32 = 8u;      // 1, 2, 4 or 8, at most SLICES
override AHEAD: u32 = 1u;    // PER * AHEAD is 1, 2, 4 or 8; AHEAD * SLICES is at most THREADS
override PART: u32 = 0u;     // 1: the workgroup sums a part of the columns only
override TILE: u32 = 520u;   // 8 * (THREADS + 1)

var<workgroup> tile: array<vec4<f32>, TILE>;  // [8, THREADS + 1]: quad i of each block's inputs; after the loop the threads' sums
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

// The inputs of a block of the tile.
fn inputs(block: u32) -> Inputs {
    let pitch = THREADS + 1u;
    let x0 = tile[block];
    let x1 = tile[block + pitch];
    let x2 = tile[block + 2u * pitch];
    let x3 = tile[block + 3u * pitch];
    let x4 = tile[block + 4u * pitch];
    let x5 = tile[block + 5u * pitch];
    let x6 = tile[block + 6u * pitch];
    let x7 = tile[block + 7u * pitch];
    return Inputs(x0, x1, x2, x3, total((x0 + x1) + (x2 + x3)), x4, x5, x6, x7, total((x4 + x5) + (x6 + x7)));
}

// A thread holds up to eight blocks: the i-th is of row i % PER, and i / PER steps ahead.
fn ahead(i: u32) -> u32 { return (i / PER) * SLICES; }

fn held(i: u32) -> bool { return i < PER * AHEAD; }

// Whether the i-th block is used in the turn that begins at block `start`. The same for all threads.
fn used(i: u32, start: u32, end: u32) -> bool { return held(i) && (i < PER || start + ahead(i) < end); }

fn column_block(i: u32, at: u32) -> u32 { return min(at + ahead(i), params.cols / 32u - 1u); }

// Leaves the sums of the workgroup's rows over blocks begin..end in row_sums. `begin` is a multiple of SLICES, and so is `end` unless
// it is the number of blocks.
fn sum_rows(group: u32, begin: u32, end: u32, lane: u32) {
    let cols = params.cols;
    let slice = lane % SLICES;
    let slot0 = (lane / SLICES) * PER;
    let row0 = row_of(group, slot0);
    let row1 = row_of(group, slot0 + 1u % PER);
    let row2 = row_of(group, slot0 + 2u % PER);
    let row3 = row_of(group, slot0 + 3u % PER);
    let row4 = row_of(group, slot0 + 4u % PER);
    let row5 = row_of(group, slot0 + 5u % PER);
    let row6 = row_of(group, slot0 + 6u % PER);
    let row7 = row_of(group, slot0 + 7u % PER);
    let own_scale = row_scale(row_of(group, lane % ROWS), cols);
    var at = begin + slice;
    var block0 = block32(row0, column_block(0u, at), cols);
    var block1 = block0;
    var block2 = block0;
    var block3 = block0;
    var block4 = block0;
    var block5 = block0;
    var block6 = block0;
    var block7 = block0;
    if (held(1u)) { block1 = block32(row1, column_block(1u, at), cols); }
    if (held(2u)) {
        block2 = block32(row2, column_block(2u, at), cols);
        block3 = block32(row3, column_block(3u, at), cols);
    }
    if (held(4u)) {
        block4 = block32(row4, column_block(4u, at), cols);
        block5 = block32(row5, column_block(5u, at), cols);
        block6 = block32(row6, column_block(6u, at), cols);
        block7 = block32(row7, column_block(7u, at), cols);
    }
    var s = Statistics(0.0, 1.0);
    if (NORM == NORM_LAYER || (NORM == NORM_RMS && PART == 1u)) { s = statistics(lane); }
    let place = (lane % 8u) * (THREADS + 1u) + lane / 8u;
    let step_place = THREADS / 8u;
    var squares = vec4<f32>();
    var low = vec4<f32>();   // of blocks 0 to 3
    var high = vec4<f32>();  // of blocks 4 to 7
    for (var first = begin; first < end; first += THREADS) {
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
        let tile_end = min(first + THREADS, end);
        for (var start = first; start < tile_end; start += AHEAD * SLICES) {
            let staged = start - first + slice;
            var own = inputs(staged);
            let now0 = block0;
            let now1 = block1;
            let now2 = block2;
            let now3 = block3;
            let now4 = block4;
            let now5 = block5;
            let now6 = block6;
            let now7 = block7;
            if (start + AHEAD * SLICES < end) {
                at = start + AHEAD * SLICES + slice;
                block0 = block32(row0, column_block(0u, at), cols);
                if (held(1u)) { block1 = block32(row1, column_block(1u, at), cols); }
                if (held(2u)) {
                    block2 = block32(row2, column_block(2u, at), cols);
                    block3 = block32(row3, column_block(3u, at), cols);
                }
                if (held(4u)) {
                    block4 = block32(row4, column_block(4u, at), cols);
                    block5 = block32(row5, column_block(5u, at), cols);
                    block6 = block32(row6, column_block(6u, at), cols);
                    block7 = block32(row7, column_block(7u, at), cols);
                }
            }
            low.x += dot_block32(now0, own);
            if (used(1u, start, end)) {
                if (PER == 1u) { own = inputs(staged + ahead(1u)); }
                low.y += dot_block32(now1, own);
            }
            if (used(2u, start, end)) {
                if (PER <= 2u) { own = inputs(staged + ahead(2u)); }
                low.z += dot_block32(now2, own);
            }
            if (used(3u, start, end)) {
                if (PER == 1u) { own = inputs(staged + ahead(3u)); }
                low.w += dot_block32(now3, own);
            }
            if (used(4u, start, end)) {
                if (PER <= 4u) { own = inputs(staged + ahead(4u)); }
                high.x += dot_block32(now4, own);
            }
            if (used(5u, start, end)) {
                if (PER == 1u) { own = inputs(staged + ahead(5u)); }
                high.y += dot_block32(now5, own);
            }
            if (used(6u, start, end)) {
                if (PER <= 2u) { own = inputs(staged + ahead(6u)); }
                high.z += dot_block32(now6, own);
            }
            if (used(7u, start, end)) {
                if (PER == 1u) { own = inputs(staged + ahead(7u)); }
                high.w += dot_block32(now7, own);
            }
        }
        workgroupBarrier();
    }
    // Blocks of the same row: row r of the thread is left in component r % 4 of low, or of high for r of 4 to 7.
    if (PER <= 4u) { low += high; }
    if (PER <= 2u) { low = vec4<f32>(low.xy + low.zw, 0.0, 0.0); }
    if (PER == 1u) { low.x += low.y; }
    // Sums over threads: of the SLICES threads of a row at most eight parts, of all threads' squares eight; then the sums of the parts.
    tile[lane] = low;
    tile[lane + THREADS] = high;
    tile[lane + 2u * THREADS] = squares;
    workgroupBarrier();
    let fold = max(SLICES / 8u, 1u);
    let parts = THREADS / fold;  // of low, and as many of high
    let rest = 3u * THREADS;     // where the parts are stored
    for (var part = lane; part < 2u * parts + 8u; part += THREADS) {
        let count = select(fold, THREADS / 8u, part >= 2u * parts);
        let source = select(part * fold, 2u * THREADS + (part - 2u * parts) * count, part >= 2u * parts);
        var sum = vec4<f32>();
        for (var i = source; i < source + count; i += 1u) { sum += tile[i]; }
        tile[rest + part] = sum;
    }
    workgroupBarrier();
    for (var slot = lane; slot < ROWS; slot += THREADS) {
        let own_parts = SLICES / fold;
        let source = rest + ((slot % PER) / 4u) * parts + (slot / PER) * own_parts;
        var sums = vec4<f32>();
        for (var i = source; i < source + own_parts; i += 1u) { sums += tile[i]; }
        var scale = own_scale;
        if (NORM == NORM_RMS && PART == 1u) { scale *= s.scale; }
        if (NORM == NORM_RMS && PART == 0u) {
            var all = vec4<f32>();
            for (var i = rest + 2u * parts; i < rest + 2u * parts + 8u; i += 1u) { all += tile[i]; }
            scale *= reciprocal_root(total(all) / f32(cols) + params.eps);
        }
        row_sums[slot] = sums[(slot % PER) % 4u] * scale;
    }
    workgroupBarrier();
}
