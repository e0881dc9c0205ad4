// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]) for at most 8 rows: one load of W serves all of them, as in decoding of several sequences.
// For hardware GPUs. One workgroup: 16 rows of W, 8 threads each; these take neighbouring blocks of 32 columns, whose inputs all threads
// share in workgroup memory, laid out such that neighbours read neighbouring quads. The blocks of the next turn are loaded before those
// of this turn are used. K is a multiple of 32. Grid x: ceil(N / 16).
//!include common/matmul_params.wgsl
//!include common/matmul_x.wgsl
const THREADS: u32 = 128u;
const OUTPUTS: u32 = 16u;
const SLICES: u32 = 8u;

var<workgroup> tile: array<vec4<f32>, 512>;  // [row, quad of a block, slice]; after the loop the threads' sums of rows 0..3 and 4..7

// Quads of x of a turn: 64 of each of the 8 rows, four per thread. Zero past the end; rows past the last one repeat it.
fn input4(e: u32, first: u32) -> vec4<f32> {
    let quads = params.cols / 4u;
    let quad = first * 8u + e % 64u;
    let found = x[min(e / 64u, params.rows - 1u) * quads + min(quad, quads - 1u)];
    return select(vec4<f32>(), found, quad < quads);
}

fn place(e: u32) -> u32 { return (e / 64u * 8u + e % 8u) * SLICES + (e / 8u) % 8u; }

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n0 = linear_group(group_id, groups) * OUTPUTS;
    let n = min(n0 + lane / SLICES, params.outputs - 1u);
    let slice = lane % SLICES;
    let cols = params.cols;
    let blocks = cols / 32u;
    var k = 32u * min(slice, blocks - 1u);
    var next0 = quad4(n, k, cols);
    var next1 = quad4(n, k + 4u, cols);
    var next2 = quad4(n, k + 8u, cols);
    var next3 = quad4(n, k + 12u, cols);
    var next4 = quad4(n, k + 16u, cols);
    var next5 = quad4(n, k + 20u, cols);
    var next6 = quad4(n, k + 24u, cols);
    var next7 = quad4(n, k + 28u, cols);
    var low = vec4<f32>();
    var high = vec4<f32>();
    var w = vec4<f32>();
    for (var first = 0u; first < blocks; first += SLICES) {
        let x0 = input4(lane, first);
        let x1 = input4(lane + THREADS, first);
        let x2 = input4(lane + 2u * THREADS, first);
        let x3 = input4(lane + 3u * THREADS, first);
        workgroupBarrier();
        tile[place(lane)] = x0;
        tile[place(lane + THREADS)] = x1;
        tile[place(lane + 2u * THREADS)] = x2;
        tile[place(lane + 3u * THREADS)] = x3;
        workgroupBarrier();
        let now0 = next0;
        let now1 = next1;
        let now2 = next2;
        let now3 = next3;
        let now4 = next4;
        let now5 = next5;
        let now6 = next6;
        let now7 = next7;
        k = 32u * min(first + SLICES + slice, blocks - 1u);
        next0 = quad4(n, k, cols);
        next1 = quad4(n, k + 4u, cols);
        next2 = quad4(n, k + 8u, cols);
        next3 = quad4(n, k + 12u, cols);
        next4 = quad4(n, k + 16u, cols);
        next5 = quad4(n, k + 20u, cols);
        next6 = quad4(n, k + 24u, cols);
        next7 = quad4(n, k + 28u, cols);
        w = values4(now0);
        low += vec4<f32>(dot(w, tile[0u + slice]), dot(w, tile[64u + slice]), dot(w, tile[128u + slice]), dot(w, tile[192u + slice]));
        high += vec4<f32>(dot(w, tile[256u + slice]), dot(w, tile[320u + slice]), dot(w, tile[384u + slice]), dot(w, tile[448u + slice]));
        w = values4(now1);
        low += vec4<f32>(dot(w, tile[8u + slice]), dot(w, tile[72u + slice]), dot(w, tile[136u + slice]), dot(w, tile[200u + slice]));
        high += vec4<f32>(dot(w, tile[264u + slice]), dot(w, tile[328u + slice]), dot(w, tile[392u + slice]), dot(w, tile[456u + slice]));
        w = values4(now2);
        low += vec4<f32>(dot(w, tile[16u + slice]), dot(w, tile[80u + slice]), dot(w, tile[144u + slice]), dot(w, tile[208u + slice]));
        high += vec4<f32>(dot(w, tile[272u + slice]), dot(w, tile[336u + slice]), dot(w, tile[400u + slice]), dot(w, tile[464u + slice]));
        w = values4(now3);
        low += vec4<f32>(dot(w, tile[24u + slice]), dot(w, tile[88u + slice]), dot(w, tile[152u + slice]), dot(w, tile[216u + slice]));
        high += vec4<f32>(dot(w, tile[280u + slice]), dot(w, tile[344u + slice]), dot(w, tile[408u + slice]), dot(w, tile[472u + slice]));
        w = values4(now4);
        low += vec4<f32>(dot(w, tile[32u + slice]), dot(w, tile[96u + slice]), dot(w, tile[160u + slice]), dot(w, tile[224u + slice]));
        high += vec4<f32>(dot(w, tile[288u + slice]), dot(w, tile[352u + slice]), dot(w, tile[416u + slice]), dot(w, tile[480u + slice]));
        w = values4(now5);
        low += vec4<f32>(dot(w, tile[40u + slice]), dot(w, tile[104u + slice]), dot(w, tile[168u + slice]), dot(w, tile[232u + slice]));
        high += vec4<f32>(dot(w, tile[296u + slice]), dot(w, tile[360u + slice]), dot(w, tile[424u + slice]), dot(w, tile[488u + slice]));
        w = values4(now6);
        low += vec4<f32>(dot(w, tile[48u + slice]), dot(w, tile[112u + slice]), dot(w, tile[176u + slice]), dot(w, tile[240u + slice]));
        high += vec4<f32>(dot(w, tile[304u + slice]), dot(w, tile[368u + slice]), dot(w, tile[432u + slice]), dot(w, tile[496u + slice]));
        w = values4(now7);
        low += vec4<f32>(dot(w, tile[56u + slice]), dot(w, tile[120u + slice]), dot(w, tile[184u + slice]), dot(w, tile[248u + slice]));
        high += vec4<f32>(dot(w, tile[312u + slice]), dot(w, tile[376u + slice]), dot(w, tile[440u + slice]), dot(w, tile[504u + slice]));
    }
    workgroupBarrier();
    tile[lane] = low;
    tile[lane + THREADS] = high;
    workgroupBarrier();
    // One result per thread: row m, output n0 + o.
    let m = lane / OUTPUTS;
    let o = lane % OUTPUTS;
    let at = m / 4u * THREADS + o * SLICES;
    let sum = ((tile[at] + tile[at + 1u]) + (tile[at + 2u] + tile[at + 3u])) + ((tile[at + 4u] + tile[at + 5u]) + (tile[at + 6u] + tile[at + 7u]));
    let output = n0 + o;
    if (m >= params.rows || output >= params.outputs) { return; }
    let column = params.column + output;
    finish(m * params.out_stride + column, column, sum[m % 4u] * row_scale(output, cols), gate_factor());
}
