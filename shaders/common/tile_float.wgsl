// Tiles of matmul.wgsl in floating point, of quads of 4 columns: those of tile_full or tile_half.
//!include common/matmul_tile.wgsl
const COLUMNS: u32 = 4u;  // per quad
const STEPS: u32 = 4u;    // per tile
alias LoadedX = vec4<f32>;
alias LoadedW = Quad;

var<workgroup> x_tile: array<Tile4, X_TILE>;
var<workgroup> w_tile: array<Tile4, TILE_N * PITCH>;

fn load_x(m: u32, quad: u32) -> LoadedX { return x_quad(m, quad); }

fn load_w(n: u32, quad: u32) -> LoadedW { return w_quad(n, quad); }

// Quad `quad` of a row, which is quad `at` of the matrix.
fn put_x(row: u32, quad: u32, at: u32, value: LoadedX) { x_tile[row * PITCH + quad] = tile_x(inside(at, value)); }

fn put_w(row: u32, quad: u32, value: LoadedW) { w_tile[row * PITCH + quad] = tile_w(values4(value)); }

// What a row holds for a step.
fn x_at(row: u32, step: u32) -> vec4<f32> { return from_tile(x_tile[row * PITCH + step]); }

fn w_at(row: u32, step: u32) -> vec4<f32> { return from_tile(w_tile[row * PITCH + step]); }
