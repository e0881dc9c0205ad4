// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): 8 x 16 results in the registers of each thread, without workgroup memory. For software
// adapters. They pay for every load of every thread, as much from workgroup memory as from a buffer, and for barriers: this kernel
// loads 24 quads for 512 multiply-adds, matmul 64. The 8 threads of a workgroup, as many as a software adapter runs at once, form a
// grid with `lanes_n` of them along N, so that narrow and flat matrices waste little.
//!include common/matmul_params.wgsl
//!include common/matmul_x.wgsl
//!include common/rows4.wgsl
const ROWS: u32 = 8u;
const COLUMNS: u32 = 16u;
const LANES: u32 = 8u;

override TALL: u32 = 1u;  // 0: there are at most 4 rows, and the other 4 of a thread are left out

// Row of W of a thread's j-th column of results.
fn row_of(n: u32, j: u32) -> u32 {
    return min(n + j * params.lanes_n, params.outputs - 1u);
}

fn scales4(n: u32, k: u32) -> vec4<f32> {
    let cols = params.cols;
    return vec4<f32>(
        shared_scale(row_of(n, 0u), k, cols),
        shared_scale(row_of(n, 1u), k, cols),
        shared_scale(row_of(n, 2u), k, cols),
        shared_scale(row_of(n, 3u), k, cols),
    );
}

// Four rows of W, so that weights4 * rows4 holds the sixteen sums of their elements k..k+3.
fn weights4(n: u32, k: u32, scales: vec4<f32>) -> mat4x4<f32> {
    let cols = params.cols;
    return transpose(mat4x4<f32>(
        scaled4(row_of(n, 0u), k, cols, scales.x),
        scaled4(row_of(n, 1u), k, cols, scales.y),
        scaled4(row_of(n, 2u), k, cols, scales.z),
        scaled4(row_of(n, 3u), k, cols, scales.w),
    ));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let width = COLUMNS * params.lanes_n;
    let across = (params.outputs + width - 1u) / width;  // workgroups along N
    let group = linear_group(group_id, groups);
    let m = ((group / across) * (LANES / params.lanes_n) + lane / params.lanes_n) * ROWS;
    let n = (group % across) * width + lane % params.lanes_n;
    let n1 = n + 4u * params.lanes_n;
    let n2 = n + 8u * params.lanes_n;
    let n3 = n + 12u * params.lanes_n;
    var top0 = mat4x4<f32>();
    var top1 = mat4x4<f32>();
    var top2 = mat4x4<f32>();
    var top3 = mat4x4<f32>();
    var low0 = mat4x4<f32>();
    var low1 = mat4x4<f32>();
    var low2 = mat4x4<f32>();
    var low3 = mat4x4<f32>();
    for (var start = 0u; start < params.cols; start += SHARED) {
        let scales0 = scales4(n, start);
        let scales1 = scales4(n1, start);
        let scales2 = scales4(n2, start);
        let scales3 = scales4(n3, start);
        let end = min(start + SHARED, params.cols);
        for (var k = start; k < end; k += 4u) {
            let top = rows4(m, k / 4u);
            var low = mat4x4<f32>();
            if (TALL == 1u) { low = rows4(m + 4u, k / 4u); }
            let w0 = weights4(n, k, scales0);
            top0 += w0 * top;
            if (TALL == 1u) { low0 += w0 * low; }
            let w1 = weights4(n1, k, scales1);
            top1 += w1 * top;
            if (TALL == 1u) { low1 += w1 * low; }
            let w2 = weights4(n2, k, scales2);
            top2 += w2 * top;
            if (TALL == 1u) { low2 += w2 * low; }
            let w3 = weights4(n3, k, scales3);
            top3 += w3 * top;
            if (TALL == 1u) { low3 += w3 * low; }
        }
    }
    // A loop: the epilogue is long, and 128 copies of it take a compiler seconds.
    var sums = array<mat4x4<f32>, 8>(top0, top1, top2, top3, low0, low1, low2, low3);
    let factor = gate_factor();
    for (var column = 0u; column < COLUMNS; column += 1u) {
        let scale = row_scale(row_of(n, column), params.cols);
        for (var row = 0u; row < ROWS; row += 1u) {
            let sum = sums[(row / 4u) * 4u + column / 4u][row % 4u][column % 4u];
            store_one(m + row, n + column * params.lanes_n, sum * scale, factor);
        }
    }
}

fn store_one(m: u32, n: u32, sum: f32, factor: f32) {
    let column = params.column + n;
    if (m < params.rows && n < params.outputs) { finish(m * params.out_stride + column, column, sum, factor); }
}
