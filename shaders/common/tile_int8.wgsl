// Tiles of matmul.wgsl as int8, in quads of 16 columns: dot4I8Packed multiplies and adds four at once, and 32 columns, which share a scale of
// x, go through one addition in float32. quantise_rows makes the codes of x; those of W are the stored ones.
//!include common/matmul_params.wgsl
//!include common/no_units.wgsl
const COLUMNS: u32 = 16u;  // per quad
const STEPS: u32 = 2u;     // per tile
const MOST_ROWS: u32 = 64u;  // of a tile
@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>;    // [M, K/16], 16 codes each
@group(0) @binding(7) var<storage, read> x_scales: array<f32>;   // [M, K/32]

struct LoadedX { codes: vec4<u32>, scale: f32 }
alias LoadedW = Codes;
struct OperandX { left: vec4<u32>, right: vec4<u32>, scale: f32 }
struct OperandW { left: vec4<u32>, right: vec4<u32>, scale: Scale }

var<workgroup> x_tile: array<vec4<u32>, X_TILE>;
var<workgroup> w_tile: array<vec4<u32>, TILE_N * PITCH>;
var<workgroup> x_tile_scale: array<f32, MOST_ROWS * STEPS>;
var<workgroup> w_tile_scale: array<Scale, TILE_N * STEPS>;

// Indices past the end are clamped: no load is behind a branch.
fn load_x(m: u32, quad: u32) -> LoadedX {
    let quads = params.cols / COLUMNS;
    let at = min(m, params.rows - 1u) * quads + min(quad, quads - 1u);
    return LoadedX(x[at], x_scales[at / 2u]);
}

fn load_w(n: u32, quad: u32) -> LoadedW {
    return codes16(min(n, params.outputs - 1u), min(quad, params.cols / COLUMNS - 1u), params.cols);
}

// Zero past the last column, so that it does not matter what W was read there. The even quad of two brings their scale.
fn put_x(row: u32, quad: u32, at: u32, value: LoadedX) {
    let inside = at < params.cols / COLUMNS;
    x_tile[row * PITCH + quad] = select(vec4<u32>(), value.codes, inside);
    if (quad % 2u == 0u) { x_tile_scale[row * STEPS + quad / 2u] = select(0.0, value.scale, inside); }
}

fn put_w(row: u32, quad: u32, value: LoadedW) {
    w_tile[row * PITCH + quad] = words(value);
    if (quad % 2u == 0u) { w_tile_scale[row * STEPS + quad / 2u] = scale_of_codes(value); }
}

fn x_at(row: u32, step: u32) -> OperandX {
    let at = row * PITCH + 2u * step;
    return OperandX(x_tile[at], x_tile[at + 1u], x_tile_scale[row * STEPS + step]);
}

fn w_at(row: u32, step: u32) -> OperandW {
    let at = row * PITCH + 2u * step;
    return OperandW(w_tile[at], w_tile[at + 1u], w_tile_scale[row * STEPS + step]);
}

fn dot16(a: vec4<u32>, b: vec4<u32>) -> i32 {
    return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

fn scaled_dot(a: OperandX, b: OperandW) -> f32 { return scaled(dot16(a.left, b.left), dot16(a.right, b.right), b.scale); }

fn plus_dots(sums: vec4<f32>, a: OperandX, b0: OperandW, b1: OperandW, b2: OperandW, b3: OperandW) -> vec4<f32> {
    return sums + a.scale * vec4<f32>(scaled_dot(a, b0), scaled_dot(a, b1), scaled_dot(a, b2), scaled_dot(a, b3));
}
