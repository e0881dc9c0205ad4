// Shifted-window attention of a Swin block on tokens in grid order: the cyclic shift, the partition in 8 x 8 windows, the relative
// position bias and the shift mask are index arithmetic; nothing is rolled or copied.
//   logit[i, j] = q_i . k_j * head_dim^-0.5 + table[rel(i, j), head] + mask(i, j);  out_i = softmax_j(logit) v
// One workgroup (a thread per token of the window): one window, one head, 32 of its 64 queries. Grid x, y: windows of all images; z: 2 * heads.
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
@group(0) @binding(1) var<storage, read> qkv: array<f32>;        // [images * side^2, 3C]: q, k, v, heads consecutive
@group(0) @binding(2) var<storage, read> table: array<f32>;      // [225, heads]
@group(0) @binding(3) var<storage, read_write> out: array<f32>;  // [images * side^2, C]

const WINDOW: u32 = 8u;
const KEYS: u32 = 64u;
const QUERIES: u32 = 32u;
const THREADS: u32 = 64u;
const MASKED: f32 = -100.0;  // the original adds -100, not minus infinity

var<workgroup> logits: array<f32, QUERIES * KEYS>;
var<workgroup> token: array<u32, KEYS>;  // grid index of every token of the window

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

fn logit(y0: u32, x0: u32, head: u32, i: u32, j: u32) -> f32 {
    let head_dim = params.channels / params.heads;
    let q = token[i] * 3u * params.channels + head * head_dim;
    let k = token[j] * 3u * params.channels + params.channels + head * head_dim;
    var sum = 0.0;
    for (var d = 0u; d < head_dim; d += 1u) { sum += (qkv[q + d] * params.scale) * qkv[k + d]; }
    let dy = i / WINDOW + 7u - j / WINDOW;
    let dx = i % WINDOW + 7u - j % WINDOW;
    sum += table[(dy * 15u + dx) * params.heads + head];
    if (params.shift > 0u) {
        let of_i = 3u * region(y0 + i / WINDOW) + region(x0 + i % WINDOW);
        let of_j = 3u * region(y0 + j / WINDOW) + region(x0 + j % WINDOW);
        if (of_i != of_j) { sum += MASKED; }
    }
    return sum;
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

    token[lane] = token_at(image, y0, x0, lane);
    workgroupBarrier();
    for (var e = lane; e < QUERIES * KEYS; e += THREADS) {
        logits[e] = logit(y0, x0, head, first + e / KEYS, e % KEYS);
    }
    workgroupBarrier();
    if (lane < QUERIES) {
        let row = lane * KEYS;
        var peak = logits[row];
        for (var j = 1u; j < KEYS; j += 1u) { peak = max(peak, logits[row + j]); }
        var sum = 0.0;
        for (var j = 0u; j < KEYS; j += 1u) {
            let p = exp(logits[row + j] - peak);
            logits[row + j] = p;
            sum += p;
        }
        for (var j = 0u; j < KEYS; j += 1u) { logits[row + j] /= sum; }
    }
    workgroupBarrier();
    for (var e = lane; e < QUERIES * head_dim; e += THREADS) {
        let i = e / head_dim;
        let channel = head * head_dim + e % head_dim;
        var sum = 0.0;
        for (var j = 0u; j < KEYS; j += 1u) {
            sum += logits[i * KEYS + j] * qkv[token[j] * 3u * params.channels + 2u * params.channels + channel];
        }
        out[token[first + i] * params.channels + channel] = sum;
    }
}
