// For tiles of matmul.wgsl whose inputs are not divided by a unit: what tile_half does about that, left out.
const HALF: bool = false;

fn begin_units(lane: u32, a: LoadedX, b: LoadedX) {}

fn note(a: LoadedX, b: LoadedX) {}

fn next_units() -> f32 { return 1.0; }

fn unit() -> f32 { return 1.0; }
