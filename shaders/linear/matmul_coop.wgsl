// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]) on matrix units: float16 operands, float32 sums. Native only, where the adapter has them.
// Four subgroups of a workgroup compute a square of TILE x TILE results, a quarter each, as 2 x 2 matrices of SIZE x SIZE. Both operands
// pass through tiles in workgroup memory. half_rows has divided each row of x by a power of two, so that none overflows; W fits, see
// tile_half. Where a subgroup is smaller than the largest there is, two of them compute the same quarter.
// Grid x: ceil(M / TILE) * ceil(N / TILE).
//!include common/matmul_params.wgsl
@group(0) @binding(3) var<storage, read> x: array<vec2<u32>>;   // [M, K/4], 4 float16 each
@group(0) @binding(7) var<storage, read> x_scales: array<f32>;   // [M]
override THREADS: u32 = 128u;    // four of the largest subgroups
const TILE: u32 = 4u * SIZE;
const QUADS: u32 = 8u;           // of 4 columns, along k per tile
const PITCH: u32 = 4u * QUADS + 8u;
const MOST_SUBGROUPS: u32 = 8u;  // half the size of the largest

var<workgroup> x_tile: array<f16, TILE * PITCH>;
var<workgroup> w_tile: array<f16, TILE * PITCH>;
var<workgroup> results: array<f32, MOST_SUBGROUPS * SIZE * SIZE>;

// Indices past the end are clamped: no load is behind a branch. Past the last column x is zero, so it does not matter what W is there.
fn x_quad(m: u32, quad: u32) -> vec4<f16> {
    let quads = params.cols / 4u;
    let words = x[min(m, params.rows - 1u) * quads + min(quad, quads - 1u)];
    let values = vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
    return vec4<f16>(select(vec4<f32>(), values, quad < quads));
}

fn w_quad(n: u32, quad: u32) -> vec4<f16> {
    return vec4<f16>(weight4(min(n, params.outputs - 1u), 4u * min(quad, params.cols / 4u - 1u), params.cols));
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let across = (params.outputs + TILE - 1u) / TILE;  // workgroups along N
    let group = linear_group(group_id, groups);
    let m0 = (group / across) * TILE;
    let n0 = (group % across) * TILE;
    let quarter = subgroup % 4u;
    let top = (quarter / 2u) * 2u * SIZE * PITCH;  // of the quarter, in the tiles
    let left = (quarter % 2u) * 2u * SIZE * PITCH;
    let down = SIZE * PITCH;
    var sum00 = MatrixC();
    var sum01 = MatrixC();
    var sum10 = MatrixC();
    var sum11 = MatrixC();
    for (var base = 0u; base < params.cols / 4u; base += QUADS) {
        for (var i = lane; i < TILE * QUADS; i += THREADS) {
            let row = i / QUADS;
            let quad = i % QUADS;
            let at = row * PITCH + 4u * quad;
            let a = x_quad(m0 + row, base + quad);
            let b = w_quad(n0 + row, base + quad);
            x_tile[at] = a.x;
            x_tile[at + 1u] = a.y;
            x_tile[at + 2u] = a.z;
            x_tile[at + 3u] = a.w;
            w_tile[at] = b.x;
            w_tile[at + 1u] = b.y;
            w_tile[at + 2u] = b.z;
            w_tile[at + 3u] = b.w;
        }
        workgroupBarrier();
        for (var k = 0u; k < 4u * QUADS; k += SIZE) {
            let a0 = coopLoadT<MatrixA>(&x_tile[top + k], PITCH);
            let a1 = coopLoadT<MatrixA>(&x_tile[top + down + k], PITCH);
            let b0 = coopLoad<MatrixB>(&w_tile[left + k], PITCH);
            let b1 = coopLoad<MatrixB>(&w_tile[left + down + k], PITCH);
            sum00 = coopMultiplyAdd(a0, b0, sum00);
            sum01 = coopMultiplyAdd(a0, b1, sum01);
            sum10 = coopMultiplyAdd(a1, b0, sum10);
            sum11 = coopMultiplyAdd(a1, b1, sum11);
        }
        workgroupBarrier();
    }
    let own = min(subgroup, MOST_SUBGROUPS - 1u) * SIZE * SIZE;
    coopStoreT(sum00, &results[own], SIZE);
    store_matrices(lane, m0, n0);
    coopStoreT(sum01, &results[own], SIZE);
    store_matrices(lane, m0, n0 + SIZE);
    coopStoreT(sum10, &results[own], SIZE);
    store_matrices(lane, m0 + SIZE, n0);
    coopStoreT(sum11, &results[own], SIZE);
    store_matrices(lane, m0 + SIZE, n0 + SIZE);
}

// One matrix of each quarter, from the same place in it.
fn store_matrices(lane: u32, m0: u32, n0: u32) {
    workgroupBarrier();
    let factor = gate_factor();
    for (var i = lane; i < 4u * SIZE * SIZE; i += THREADS) {
        let quarter = i / (SIZE * SIZE);
        let m = m0 + (quarter / 2u) * 2u * SIZE + (i / SIZE) % SIZE;
        let n = n0 + (quarter % 2u) * 2u * SIZE + i % SIZE;
        if (m < params.rows && n < params.outputs) {
            let column = params.column + n;
            let sum = results[i] * x_scales[m] * row_scale(n, params.cols);
            finish(m * params.out_stride + column, column, sum, factor);
        }
    }
    workgroupBarrier();
}
