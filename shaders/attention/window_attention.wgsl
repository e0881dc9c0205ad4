// Attention of a Swin block on tokens in grid order: the cyclic shift, the partition in 8 x 8 windows, the relative
// position bias and the shift mask are index arithmetic; nothing is rolled or copied.
//   logit[i, j] = q_i . k_j * head_dim^-0.5 + table[rel(i, j), head] + mask(i, j);  out_i = softmax_j(logit) v
// One workgroup (a thread per token of the window): one window, one head, 32 of its 64 queries. Both matmuls work on 4 x 4 blocks in
// registers, two per thread and turn: every loaded element serves at least four results.
// Grid x, y: windows of all images; z: 2 * heads.
struct Params {
    side: u32,      // tokens per side of the grid
    channels: u32,  // C = heads * head_dim
    heads: u32,
    shift: u32,     // 0 or 4
    windows: u32,   // windows of all images together
    scale: f32,     // head_dim^-0.5
}
//!include common/grid.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> table: array<f32>;      // [225, heads]
@group(0) @binding(3) var<storage, read_write> out: array<f32>;  // [images * side^2, C]

const WINDOW: u32 = 8u;
const KEYS: u32 = 64u;
const QUERIES: u32 = 32u;
const THREADS: u32 = 64u;
const MASKED: f32 = -100.0;  // the original adds -100, not minus infinity

var<workgroup> logits: array<vec4<f32>, QUERIES * KEYS / 4u>;  // [query, key], then probabilities
var<workgroup> token: array<u32, KEYS>;                         // grid index of every token of the window
var<workgroup> part: array<f32, THREADS>;                       // maximum or sum of half a row

// Row or column of the shifted grid -> which of the three regions it belongs to.
fn region(coordinate: u32) -> u32 {
    return u32(coordinate >= params.side - WINDOW) + u32(coordinate >= params.side - params.shift);
}

// Index in grid order of token `t` of a window whose top left corner on the shifted grid is (y0, x0).
fn token_at(image: u32, y0: u32, x0: u32, t: u32) -> u32 {
    let y = (y0 + t / WINDOW + params.shift) % params.side;
    let x = (x0 + t % WINDOW + params.shift) % params.side;
    return (image * params.side + y) * params.side + x;
}

// The term added to a logit: bias of the relative position and mask of the shift.
fn added(y0: u32, x0: u32, head: u32, i: u32, j: u32) -> f32 {
    let dy = i / WINDOW + 7u - j / WINDOW;
    let dx = i % WINDOW + 7u - j % WINDOW;
    let bias = table[(dy * 15u + dx) * params.heads + head];
    if (params.shift == 0u) { return bias; }
    let of_i = 3u * region(y0 + i / WINDOW) + region(x0 + i % WINDOW);
    let of_j = 3u * region(y0 + j / WINDOW) + region(x0 + j % WINDOW);
    return bias + select(0.0, MASKED, of_i != of_j);
}

fn added4(y0: u32, x0: u32, head: u32, i: u32, j: u32) -> vec4<f32> {
    return vec4<f32>(
        added(y0, x0, head, i, j),
        added(y0, x0, head, i, j + 1u),
        added(y0, x0, head, i, j + 2u),
        added(y0, x0, head, i, j + 3u),
    );
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = min(linear_group(group_id, groups), params.windows - 1u);
    let per_side = params.side / WINDOW;
    let image = index / (per_side * per_side);
    let y0 = ((index / per_side) % per_side) * WINDOW;
    let x0 = (index % per_side) * WINDOW;
    let head = group_id.z / 2u;
    let first = (group_id.z % 2u) * QUERIES;
    let head_dim = params.channels / params.heads;
    let stride = 3u * params.channels;
    let offset = head * head_dim;

    token[lane] = token_at(image, y0, x0, lane);
    workgroupBarrier();
    // Queries 4r..4r+3 against keys 4c..4c+3 and 4c+32..4c+35.
    let r = lane / 8u;
    let c = lane % 8u;
    var near = mat4x4<f32>();
    var far = mat4x4<f32>();
    for (var d = 0u; d < head_dim; d += 4u) {
        let q = mat4x4<f32>(
            head4(token[first + 4u * r] * stride + offset, d, head_dim),
            head4(token[first + 4u * r + 1u] * stride + offset, d, head_dim),
            head4(token[first + 4u * r + 2u] * stride + offset, d, head_dim),
            head4(token[first + 4u * r + 3u] * stride + offset, d, head_dim),
        );
        let k = offset + params.channels;
        near += transpose(mat4x4<f32>(
            head4(token[4u * c] * stride + k, d, head_dim),
            head4(token[4u * c + 1u] * stride + k, d, head_dim),
            head4(token[4u * c + 2u] * stride + k, d, head_dim),
            head4(token[4u * c + 3u] * stride + k, d, head_dim),
        )) * q;
        far += transpose(mat4x4<f32>(
            head4(token[4u * c + 32u] * stride + k, d, head_dim),
            head4(token[4u * c + 33u] * stride + k, d, head_dim),
            head4(token[4u * c + 34u] * stride + k, d, head_dim),
            head4(token[4u * c + 35u] * stride + k, d, head_dim),
        )) * q;
    }
    for (var i = 0u; i < 4u; i += 1u) {
        let row = 4u * r + i;
        logits[row * 16u + c] = near[i] * params.scale + added4(y0, x0, head, first + row, 4u * c);
        logits[row * 16u + c + 8u] = far[i] * params.scale + added4(y0, x0, head, first + row, 4u * c + 32u);
    }
    workgroupBarrier();
    // Two threads share a row: 32 keys each.
    let half = (lane / 2u) * 16u + (lane % 2u) * 8u;
    var high = logits[half];
    for (var j = 1u; j < 8u; j += 1u) { high = max(high, logits[half + j]); }
    part[lane] = max(max(high.x, high.y), max(high.z, high.w));
    workgroupBarrier();
    let peak = max(part[lane & 62u], part[lane | 1u]);
    workgroupBarrier();
    var sum = vec4<f32>(0.0);
    for (var j = 0u; j < 8u; j += 1u) {
        let p = exp(logits[half + j] - peak);
        logits[half + j] = p;
        sum += p;
    }
    part[lane] = (sum.x + sum.y) + (sum.z + sum.w);
    workgroupBarrier();
    // Results of queries 4r..4r+3 and elements d..d+3.
    for (var d = 4u * c; d < head_dim; d += 32u) {
        var mixed = mat4x4<f32>();
        for (var j = 0u; j < KEYS / 4u; j += 1u) {
            let v = offset + 2u * params.channels;
            let p = mat4x4<f32>(
                logits[64u * r + j],
                logits[64u * r + 16u + j],
                logits[64u * r + 32u + j],
                logits[64u * r + 48u + j],
            );
            mixed += mat4x4<f32>(
                head4(token[4u * j] * stride + v, d, head_dim),
                head4(token[4u * j + 1u] * stride + v, d, head_dim),
                head4(token[4u * j + 2u] * stride + v, d, head_dim),
                head4(token[4u * j + 3u] * stride + v, d, head_dim),
            ) * p;
        }
        for (var i = 0u; i < 4u; i += 1u) {
            let row = 4u * r + i;
            let result = mixed[i] / (part[2u * row] + part[2u * row + 1u]);
            let base = token[first + row] * params.channels + offset + d;
            for (var e = 0u; e < min(4u, head_dim - d); e += 1u) { out[base + e] = result[e]; }
        }
    }
}
