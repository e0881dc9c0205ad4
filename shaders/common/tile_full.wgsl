// Tiles in workgroup memory of matmul.wgsl in float32.
//!include common/tile_float.wgsl
alias Tile4 = vec4<f32>;
const HALF: bool = false;

fn tile_x(value: vec4<f32>) -> Tile4 { return value; }

fn tile_w(value: vec4<f32>) -> Tile4 { return value; }

fn from_tile(value: Tile4) -> vec4<f32> { return value; }

// What float16 needs: see tile_half.
fn begin_units(lane: u32, a: LoadedX, b: LoadedX) {}

fn note(a: LoadedX, b: LoadedX) {}

fn next_units() -> f32 { return 1.0; }

fn unit() -> f32 { return 1.0; }
