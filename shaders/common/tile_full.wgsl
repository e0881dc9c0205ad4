// Tiles in workgroup memory of matmul.wgsl in float32.
//!include common/tile_float.wgsl
//!include common/no_units.wgsl
alias Tile4 = vec4<f32>;

fn tile_x(value: vec4<f32>) -> Tile4 { return value; }

fn tile_w(value: vec4<f32>) -> Tile4 { return value; }

fn from_tile(value: Tile4) -> vec4<f32> { return value; }
