// out[m, n] = epilogue(sum_k x[m, k] * W[n, k]): 8 x 16 results in the registers of each thread, for software adapters and quantised W.
// They load from a buffer thread by thread, and check each: x and W are read from textures instead, whose texels come for all threads
// at once and in a fifth of the time. The 8 threads of a workgroup form a grid with `lanes_n` of them along N, as in matmul_block. A
// thread's outputs come in quads of neighbours, so that bias and results are loaded and stored four at a time. N is a multiple of 4 and
// K of 32. Grid x: ceil(M / (8 * 8 / lanes_n)) * ceil(N / (16 * lanes_n)).
struct Params {
    rows: u32,        // M
    outputs: u32,     // N
    cols: u32,        // K
    out_stride: u32,  // elements between output rows
    column: u32,      // output column and bias index of row 0 of this part of W
    lanes_n: u32,     // threads side by side along N
    epilogue: u32,    // bits of common/epilogue_bits.wgsl
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var x: texture_2d<u32>;                          // [M, K/4], bits of four float32
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;       // [N]
@group(0) @binding(5) var<storage, read> gate: array<f32>;             // [1], for ADD_GATED
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;  // [M, out_stride]
//!include common/grid.wgsl
//!include common/epilogue4.wgsl
const ROWS: u32 = 8u;
const COLUMNS: u32 = 16u;
const LANES: u32 = 8u;

// Four rows from m on as the columns of a matrix. Rows past the end repeat the last one and are not stored.
fn rows4(m: vec4<u32>, quad: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        bitcast<vec4<f32>>(textureLoad(x, place(m.x + quad), 0)),
        bitcast<vec4<f32>>(textureLoad(x, place(m.y + quad), 0)),
        bitcast<vec4<f32>>(textureLoad(x, place(m.z + quad), 0)),
        bitcast<vec4<f32>>(textureLoad(x, place(m.w + quad), 0)),
    );
}

// Texels of x at which rows m..m+3 start.
fn starts4(m: u32) -> vec4<u32> {
    return min(m + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.rows - 1u)) * (params.cols / 4u);
}

// Half a block of four neighbouring rows of W.
struct Half { a: vec4<u32>, b: vec4<u32>, c: vec4<u32>, d: vec4<u32>, scales: vec4<f32> }

fn scale_words(n: u32, b: u32) -> vec4<u32> {
    return vec4<u32>(scale_word(n, b), scale_word(n + 1u, b), scale_word(n + 2u, b), scale_word(n + 3u, b));
}

fn half_of(n: u32, b: u32, h: u32, words: vec4<u32>) -> Half {
    return Half(
        weight_texel(n, b, h),
        weight_texel(n + 1u, b, h),
        weight_texel(n + 2u, b, h),
        weight_texel(n + 3u, b, h),
        vec4<f32>(
            scale_of(words.x, n, b, h),
            scale_of(words.y, n + 1u, b, h),
            scale_of(words.z, n + 2u, b, h),
            scale_of(words.w, n + 3u, b, h),
        ),
    );
}

// Quad q of it, so that weights4 * rows4 holds sixteen sums.
fn weights4(half: Half, h: u32, q: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(
        codes4(half.a, h, q) * half.scales.x,
        codes4(half.b, h, q) * half.scales.y,
        codes4(half.c, h, q) * half.scales.z,
        codes4(half.d, h, q) * half.scales.w,
    ));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let step = 4u * params.lanes_n;  // outputs between a thread's quads
    let width = 4u * step;
    let across = (params.outputs + width - 1u) / width;  // workgroups along N
    let group = linear_group(group_id, groups);
    let m = ((group / across) * (LANES / params.lanes_n) + lane / params.lanes_n) * ROWS;
    let n = (group % across) * width + 4u * (lane % params.lanes_n);
    let last = params.outputs - 4u;
    let n0 = min(n, last);
    let n1 = min(n + step, last);
    let n2 = min(n + 2u * step, last);
    let n3 = min(n + 3u * step, last);
    let upper = starts4(m);
    let lower = starts4(m + 4u);
    var top0 = mat4x4<f32>();
    var top1 = mat4x4<f32>();
    var top2 = mat4x4<f32>();
    var top3 = mat4x4<f32>();
    var low0 = mat4x4<f32>();
    var low1 = mat4x4<f32>();
    var low2 = mat4x4<f32>();
    var low3 = mat4x4<f32>();
    for (var b = 0u; b < params.cols / 32u; b += 1u) {
        let words0 = scale_words(n0, b);
        let words1 = scale_words(n1, b);
        let words2 = scale_words(n2, b);
        let words3 = scale_words(n3, b);
        for (var h = 0u; h < 2u; h += 1u) {
            let half0 = half_of(n0, b, h, words0);
            let half1 = half_of(n1, b, h, words1);
            let half2 = half_of(n2, b, h, words2);
            let half3 = half_of(n3, b, h, words3);
            for (var q = 0u; q < 4u; q += 1u) {
                let quad = 8u * b + 4u * h + q;
                let top = rows4(upper, quad);
                let low = rows4(lower, quad);
                let w0 = weights4(half0, h, q);
                top0 += w0 * top;
                low0 += w0 * low;
                let w1 = weights4(half1, h, q);
                top1 += w1 * top;
                low1 += w1 * low;
                let w2 = weights4(half2, h, q);
                top2 += w2 * top;
                low2 += w2 * low;
                let w3 = weights4(half3, h, q);
                top3 += w3 * top;
                low3 += w3 * low;
            }
        }
    }
    // A loop: the epilogue is long, and 32 copies of it take a compiler seconds.
    var sums = array<mat4x4<f32>, 8>(top0, top1, top2, top3, low0, low1, low2, low3);
    let factor = gate_factor();
    for (var quad = 0u; quad < 4u; quad += 1u) {
        let from_n = n + quad * step;
        if (from_n >= params.outputs) { break; }
        let scale = vec4<f32>(row_scale(from_n), row_scale(from_n + 1u), row_scale(from_n + 2u), row_scale(from_n + 3u));
        let column = params.column + from_n;
        for (var row = 0u; row < ROWS; row += 1u) {
            if (m + row >= params.rows) { break; }
            let sum = sums[(row / 4u) * 4u + quad][row % 4u] * scale;
            finish4((m + row) * params.out_stride + column, column, sum, factor);
        }
    }
}
