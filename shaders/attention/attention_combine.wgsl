// out[h, :] = (sum_s e^(m_s - m) * o_s) / (sum_s e^(m_s - m) * l_s): joins the slices s of attention_split. m_s: maximum of a slice's
// logits, l_s: sum of its exponentials, o_s: weighted sum of v, m: maximum of all m_s. Several threads per quad of out take the
// splits in turn with a running maximum, four loads in flight each. Grid x: heads.
struct Params {
    keys: u32,       // as in attention_split
    head_dim: u32,
    splits: u32,     // records per head in `partial`
    keys_per_split: u32,
}
//!include common/step.wgsl
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;  // [heads, splits, 1 + quads]: maximum, sum, 0, 0; values
@group(0) @binding(2) var<storage, read_write> out: array<f32>;      // [heads * head_dim]
@group(0) @binding(3) var<uniform> step: Step;

override CAUSAL: u32 = 0u;
override THREADS: u32 = 256u;
const LEAST: f32 = -3.4e38;

// A weighted sum of values relative to the largest logit seen so far, and the sum of its weights.
struct Mixture { high: f32, sum: f32, values: vec4<f32> }

var<workgroup> highs: array<f32, THREADS>;
var<workgroup> sums: array<f32, THREADS>;
var<workgroup> mixtures: array<vec4<f32>, THREADS>;

fn joined(a: Mixture, b: Mixture) -> Mixture {
    let high = max(a.high, b.high);
    let of_a = exp(a.high - high);
    let of_b = exp(b.high - high);
    return Mixture(high, a.sum * of_a + b.sum * of_b, a.values * of_a + b.values * of_b);
}

// Quad c of split s; past the last split, nothing.
fn slice(base: u32, s: u32, used: u32, c: u32, quads: u32) -> Mixture {
    let at = base + min(s, used - 1u) * (1u + quads);
    let head = partial[at];
    let values = partial[at + 1u + c];
    let there = s < used;
    return Mixture(select(LEAST, head.x, there), select(0.0, head.y, there), select(vec4<f32>(), values, there));
}

fn put(head: u32, d: u32, mixture: Mixture) {
    let result = mixture.values / mixture.sum;
    for (var i = 0u; i < min(4u, params.head_dim - d); i += 1u) { out[head * params.head_dim + d + i] = result[i]; }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let keys = select(params.keys, step.position + 1u, CAUSAL == 1u);
    let used = (keys + params.keys_per_split - 1u) / params.keys_per_split;
    let quads = (params.head_dim + 3u) / 4u;
    let base = group_id.x * params.splits * (1u + quads);
    let width = min(THREADS, quads);
    let shares = THREADS / width;
    let share = lane / width;  // threads left over have none
    for (var c = lane % width; c < quads && share < shares; c += width) {
        var mixture = Mixture(LEAST, 0.0, vec4<f32>());
        for (var s = share; s < used; s += 4u * shares) {
            let near = joined(slice(base, s, used, c, quads), slice(base, s + shares, used, c, quads));
            let far = joined(slice(base, s + 2u * shares, used, c, quads), slice(base, s + 3u * shares, used, c, quads));
            mixture = joined(mixture, joined(near, far));
        }
        if (shares == 1u) { put(group_id.x, 4u * c, mixture); }
        highs[lane] = mixture.high;
        sums[lane] = mixture.sum;
        mixtures[lane] = mixture.values;
    }
    workgroupBarrier();
    if (shares > 1u && lane < quads) {
        var mixture = Mixture(highs[lane], sums[lane], mixtures[lane]);
        for (var i = 1u; i < shares; i += 1u) {
            let at = i * width + lane;
            mixture = joined(mixture, Mixture(highs[at], sums[at], mixtures[at]));
        }
        put(group_id.x, 4u * lane, mixture);
    }
}
