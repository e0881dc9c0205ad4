// q, k, v = W * norm(x) + bias of one token; rotary positions on q and k; k and v are written to the cache.
// W holds the rows of q_proj, k_proj and v_proj. Rows i and i + head_dim/2 of a head are rotated together ("half" pairing).
struct Params {
    heads: u32,       // query heads
    kv_heads: u32,    // key/value heads
    head_dim: u32,
    cols: u32,        // K
    x_offset: u32,    // first element of the input row, in units of vec4
    eps: f32,
}
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(5) var<storage, read> bias: array<f32>;               // [(heads + 2 kv_heads) * head_dim]
@group(0) @binding(6) var<storage, read> rotary: array<vec2<f32>>;       // [positions, head_dim/2]: cos, sin
@group(0) @binding(7) var<storage, read_write> q: array<f32>;            // [heads * head_dim]
@group(0) @binding(8) var<storage, read_write> kv: array<f32>;           // [cache rows, 2, kv_heads * head_dim]
@group(0) @binding(9) var<uniform> step: Step;

fn pairs() -> u32 {
    return (params.heads + 2u * params.kv_heads) * params.head_dim / 2u;
}

// Rows of W.
fn all_rows() -> u32 { return 2u * pairs(); }

fn first_row(pair: u32) -> u32 {
    let half = params.head_dim / 2u;
    return (pair / half) * params.head_dim + pair % half;
}

fn row_of(group: u32, slot: u32) -> u32 {
    let pair = min(group * (ROWS / 2u) + slot / 2u, pairs() - 1u);
    return first_row(pair) + (slot & 1u) * (params.head_dim / 2u);
}

fn store(group: u32, slot: u32) {
    let pair = group * (ROWS / 2u) + slot / 2u;
    if ((slot & 1u) == 1u || pair >= pairs()) { return; }
    let half = params.head_dim / 2u;
    let row = first_row(pair);
    let head = pair / half;
    var a = row_sums[slot] + bias[row];
    var b = row_sums[slot + 1u] + bias[row + half];
    if (head < params.heads + params.kv_heads) {
        let turn = rotary[step.position * half + pair % half];
        let rotated = vec2<f32>(a * turn.x - b * turn.y, b * turn.x + a * turn.y);
        a = rotated.x;
        b = rotated.y;
    }
    if (head < params.heads) {
        q[row] = a;
        q[row + half] = b;
    } else {
        let q_rows = params.heads * params.head_dim;
        let base = (step.slot_base + step.position) * 2u * params.kv_heads * params.head_dim + row - q_rows;
        kv[base] = a;
        kv[base + half] = b;
    }
}
