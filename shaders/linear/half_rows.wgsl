// halves[m, k] = x[m, k] / s[m] in float16, with s[m] a power of two such that the largest |halves| of a row lies in 2^14 .. 2^15:
// activations for matmul_coop. A workgroup per row. The largest bits of a row are those of NaN or infinity if it has one: that is its scale
// then, and no sum with it is finite. Grid x: M.
struct Params { rows: u32, cols: u32 }  // cols: a multiple of 4
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;              // [M, K]
@group(0) @binding(2) var<storage, read_write> halves: array<vec2<u32>>;   // [M, K/4], 4 float16 each
@group(0) @binding(3) var<storage, read_write> x_scales: array<f32>;         // [M]
//!include common/grid.wgsl
//!include common/half_units.wgsl
override THREADS: u32 = 64u;

var<workgroup> largest: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group_id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_group(group_id, groups);
    let quads = params.cols / 4u;
    let first = min(row, params.rows - 1u) * quads;
    if (lane == 0u) { atomicStore(&largest, 0u); }
    var most = vec4<u32>();
    for (var quad = lane; quad < quads; quad += THREADS) {
        most = max(most, bitcast<vec4<u32>>(x[first + quad]) & vec4<u32>(0x7fffffffu));
    }
    workgroupBarrier();
    atomicMax(&largest, max(max(most.x, most.y), max(most.z, most.w)));
    workgroupBarrier();
    let bits = atomicLoad(&largest);
    let exponent = max(min(bits & EXPONENT, EXPONENT - 1u) & EXPONENT, SMALLEST);
    let factor = one_over_unit_of(exponent);
    if (row >= params.rows) { return; }
    for (var quad = lane; quad < quads; quad += THREADS) {
        let value = x[first + quad] * factor;
        halves[first + quad] = vec2<u32>(pack2x16float(value.xy), pack2x16float(value.zw));
    }
    if (lane == 0u) { x_scales[row] = select(unit_of(exponent), bitcast<f32>(bits), bits >= EXPONENT); }
}
