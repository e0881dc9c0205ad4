// Matrix-vector product: ROWS rows of W per workgroup, of each 32 columns per thread and turn. The inputs of a turn are read side by
// side, multiplied with the norm's weights and laid out in workgroup memory so that every thread finds its 32 without a conflict of
// banks. The codes of the next turn are loaded before this one's are used: what a chip waits for is memory, so nothing here is looped
// over that a compiler may leave a loop, and no load stands behind a branch.
// The including kernel says which rows (`row_of`) and what happens to a sum (`store`); the scheme, what a `Piece` of a row is.
//!include common/grid.wgsl
//!include common/matvec_input.wgsl
override ROWS: u32 = 8u;    // 4 or 8
override TILE: u32 = 520u;  // 8 * (THREADS + 1)

var<workgroup> tile: array<vec4<f32>, TILE>;  // [8, THREADS + 1]: quad i of the inputs of a thread; in the end the threads' sums
var<workgroup> row_sums: array<f32, ROWS>;

// The 32 inputs of a thread, and the sums of their halves.
struct Inputs {
    x0: vec4<f32>, x1: vec4<f32>, x2: vec4<f32>, x3: vec4<f32>, left: f32,
    x4: vec4<f32>, x5: vec4<f32>, x6: vec4<f32>, x7: vec4<f32>, right: f32,
}

// What the norm makes of an input, but for the scale of RMS: that one factor joins the finished sums.
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

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = linear_group(group_id, groups);
    let cols = params.cols;
    let pieces = cols / 32u;
    let row0 = row_of(block, 0u);
    let row1 = row_of(block, 1u);
    let row2 = row_of(block, 2u);
    let row3 = row_of(block, 3u);
    let row4 = row_of(block, 4u % ROWS);
    let row5 = row_of(block, 5u % ROWS);
    let row6 = row_of(block, 6u % ROWS);
    let row7 = row_of(block, 7u % ROWS);
    let own_scale = row_scale(row_of(block, lane % ROWS), cols);
    var at = min(lane, pieces - 1u);
    var piece0 = piece(row0, at, cols);
    var piece1 = piece(row1, at, cols);
    var piece2 = piece(row2, at, cols);
    var piece3 = piece(row3, at, cols);
    var piece4 = piece0;
    var piece5 = piece1;
    var piece6 = piece2;
    var piece7 = piece3;
    if (ROWS == 8u) {
        piece4 = piece(row4, at, cols);
        piece5 = piece(row5, at, cols);
        piece6 = piece(row6, at, cols);
        piece7 = piece(row7, at, cols);
    }
    var s = Statistics(0.0, 1.0);
    if (NORM == NORM_LAYER) { s = statistics(lane); }
    let place = (lane % 8u) * (THREADS + 1u) + lane / 8u;
    let step_place = THREADS / 8u;
    var squares = vec4<f32>();
    var low = vec4<f32>();
    var high = vec4<f32>();
    for (var first = 0u; first < pieces; first += THREADS) {
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
        let now0 = piece0;
        let now1 = piece1;
        let now2 = piece2;
        let now3 = piece3;
        let now4 = piece4;
        let now5 = piece5;
        let now6 = piece6;
        let now7 = piece7;
        if (first + THREADS < pieces) {
            at = min(first + THREADS + lane, pieces - 1u);
            piece0 = piece(row0, at, cols);
            piece1 = piece(row1, at, cols);
            piece2 = piece(row2, at, cols);
            piece3 = piece(row3, at, cols);
            if (ROWS == 8u) {
                piece4 = piece(row4, at, cols);
                piece5 = piece(row5, at, cols);
                piece6 = piece(row6, at, cols);
                piece7 = piece(row7, at, cols);
            }
        }
        low += vec4<f32>(dot_piece(now0, own), dot_piece(now1, own), dot_piece(now2, own), dot_piece(now3, own));
        if (ROWS == 8u) {
            high += vec4<f32>(dot_piece(now4, own), dot_piece(now5, own), dot_piece(now6, own), dot_piece(now7, own));
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
        if (NORM == NORM_RMS) { scale *= 1.0 / sqrt(total(eight_parts(parts + 16u)) / f32(cols) + params.eps); }
        row_sums[slot] = sums[slot % 4u] * scale;
    }
    workgroupBarrier();
    for (var slot = lane; slot < ROWS; slot += THREADS) { store(block, slot); }
}
