// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]) in strips of 4 rows; K is a multiple of 32. For software adapters, which pay for loads: a
// block of W, 32 columns, is loaded and unpacked once for all rows of a strip, as in decoding of several sequences. `lanes_n` of the 8
// threads of a workgroup lie side by side along N, the others along K. Each takes two blocks of inputs at a time and multiplies them by
// 128 rows of W. So the sums, which no registers can hold, are fetched from workgroup memory once per 64 columns. Strips of 8 rows are
// no faster per row, and take a compiler half a minute. Grid x: ceil(M / 4) * ceil(N / (lanes_n * 128)).
//!include common/matmul_params.wgsl
//!include common/matmul_x.wgsl
//!include common/rows4.wgsl
const THREADS: u32 = 8u;
const ROWS: u32 = 4u;
const OUTPUTS: u32 = 128u;  // per thread

struct Values32 {
    q0: vec4<f32>, q1: vec4<f32>, q2: vec4<f32>, q3: vec4<f32>, q4: vec4<f32>, q5: vec4<f32>, q6: vec4<f32>, q7: vec4<f32>,
}

var<private> inputs: array<mat4x4<f32>, 16>;            // quads 0..7 of block a, then of block b, of the strip
var<workgroup> sums: array<vec4<f32>, OUTPUTS * THREADS>;  // of the rows of the strip

// Sums over the columns of a block. Written out with constant indices, so that the inputs are in registers.
fn sums_a(w: Values32) -> vec4<f32> {
    let left = (w.q0 * inputs[0] + w.q1 * inputs[1]) + (w.q2 * inputs[2] + w.q3 * inputs[3]);
    return left + ((w.q4 * inputs[4] + w.q5 * inputs[5]) + (w.q6 * inputs[6] + w.q7 * inputs[7]));
}

fn sums_b(w: Values32) -> vec4<f32> {
    let left = (w.q0 * inputs[8] + w.q1 * inputs[9]) + (w.q2 * inputs[10] + w.q3 * inputs[11]);
    return left + ((w.q4 * inputs[12] + w.q5 * inputs[13]) + (w.q6 * inputs[14] + w.q7 * inputs[15]));
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let cols = params.cols;
    let blocks = cols / 32u;
    let lanes_n = params.lanes_n;
    let lanes_k = THREADS / lanes_n;
    let width = OUTPUTS * lanes_n;
    let across = (params.outputs + width - 1u) / width;  // workgroups along N
    let group = linear_group(group_id, groups);
    let m0 = (group / across) * ROWS;
    let n0 = (group % across) * width;
    let used = min(OUTPUTS, (params.outputs - n0 + lanes_n - 1u) / lanes_n);  // outputs per thread, the last one perhaps past the end
    for (var i = lane; i < OUTPUTS * THREADS; i += THREADS) { sums[i] = vec4<f32>(); }
    workgroupBarrier();
    for (var a = lane / lanes_n; a < blocks; a += 2u * lanes_k) {
        let b = min(a + lanes_k, blocks - 1u);
        let keep = select(0.0, 1.0, a + lanes_k < blocks);  // the last turn may have one block only
        for (var quad = 0u; quad < 8u; quad += 1u) {
            inputs[quad] = rows4(m0, 8u * a + quad);
        }
        for (var quad = 0u; quad < 8u; quad += 1u) {
            inputs[8u + quad] = rows4(m0, 8u * b + quad) * keep;
        }
        for (var o = 0u; o < used; o += 1u) {
            let n = min(n0 + o * lanes_n + lane % lanes_n, params.outputs - 1u);
            sums[o * THREADS + lane] += sums_a(values32(n, a, cols)) + sums_b(values32(n, b, cols));
        }
    }
    workgroupBarrier();
    let factor = gate_factor();
    for (var o = lane; o < used * lanes_n; o += THREADS) {
        var at = (o / lanes_n) * THREADS + o % lanes_n;
        var sum = vec4<f32>();
        for (var slice = 0u; slice < lanes_k; slice += 1u) {
            sum += sums[at];
            at += lanes_n;
        }
        sum *= row_scale(min(n0 + o, params.outputs - 1u), cols);
        for (var row = 0u; row < ROWS; row += 1u) { store_one(m0 + row, n0 + o, sum[row], factor); }
    }
}

fn store_one(m: u32, n: u32, sum: f32, factor: f32) {
    let column = params.column + n;
    if (m < params.rows && n < params.outputs) { finish(m * params.out_stride + column, column, sum, factor); }
}
