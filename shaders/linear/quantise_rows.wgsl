// codes[m, k] = round(x[m, k] / s) with s = max |x| / 127 over a group of 32 columns: activations as int8, for matmul_int8. A thread per
// group. The largest bits of a group are those of NaN or infinity if it has one: its scale is not finite then, nor is any sum with it.
// Grid x: ceil(M * K / 32 / 64).
struct Params { groups: u32 }  // M * K / 32
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;             // [M, K]
@group(0) @binding(2) var<storage, read_write> codes: array<vec4<u32>>;   // [M, K/16], 16 codes each
@group(0) @binding(3) var<storage, read_write> x_scales: array<f32>;      // [M, K/32]
//!include common/grid.wgsl
const THREADS: u32 = 64u;
const SMALLEST: u32 = 0x10000000u;  // bits of 2^-95: below, codes are zero, and the division stays finite

fn bits4(value: vec4<f32>) -> vec4<u32> { return bitcast<vec4<u32>>(value) & vec4<u32>(0x7fffffffu); }

fn code4(value: vec4<f32>, inverse: f32) -> u32 { return pack4xI8Clamp(vec4<i32>(round(value * inverse))); }

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_group(group_id, groups) * THREADS + lane;
    if (group >= params.groups) { return; }
    let a = x[group * 8u];
    let b = x[group * 8u + 1u];
    let c = x[group * 8u + 2u];
    let d = x[group * 8u + 3u];
    let e = x[group * 8u + 4u];
    let f = x[group * 8u + 5u];
    let g = x[group * 8u + 6u];
    let h = x[group * 8u + 7u];
    let left = max(max(bits4(a), bits4(b)), max(bits4(c), bits4(d)));
    let most = max(left, max(max(bits4(e), bits4(f)), max(bits4(g), bits4(h))));
    let largest = max(max(most.x, most.y), max(most.z, most.w));
    let inverse = select(0.0, 127.0 / bitcast<f32>(max(largest, SMALLEST)), largest >= SMALLEST);
    codes[group * 2u] = vec4<u32>(code4(a, inverse), code4(b, inverse), code4(c, inverse), code4(d, inverse));
    codes[group * 2u + 1u] = vec4<u32>(code4(e, inverse), code4(f, inverse), code4(g, inverse), code4(h, inverse));
    x_scales[group] = bitcast<f32>(largest) / 127.0;
}
