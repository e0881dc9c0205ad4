// Tiles in workgroup memory of matmul.wgsl in float16: half the bytes. A product of two float16 is exact in float32, and sums are float32.
// W fits: a 4-bit weight is an integer of at most 1,024 here, a float16 weight is one, an 8-bit weight would have to exceed 65,504.
// x need not: what goes into `down_proj` has no bound. The workgroup divides x by a power of two, its unit, such that the largest value so
// far is in 2^14 .. 2^15; values down to 2^-28 of that keep 11 bits. A larger value makes the unit larger and divides the sums so far.
enable f16;
//!include common/tile_float.wgsl
//!include common/half_units.wgsl
alias Tile4 = vec4<f16>;
const HALF: bool = true;

var<workgroup> largest: atomic<u32>;   // exponent bits of the x seen so far, of those in flight too
var<private> settled: u32 = SMALLEST;  // the same that the unit is of

fn tile_x(value: vec4<f32>) -> Tile4 { return Tile4(value * one_over_unit_of(settled)); }

fn tile_w(value: vec4<f32>) -> Tile4 { return Tile4(value); }

fn from_tile(value: Tile4) -> vec4<f32> { return vec4<f32>(value); }

fn unit() -> f32 { return unit_of(settled); }

// Exponent bits of the largest. NaN and infinity count as zero: they stay what they are, whatever the unit.
fn exponent4(value: vec4<f32>) -> u32 {
    let bits = bitcast<vec4<u32>>(value) & vec4<u32>(EXPONENT);
    let finite = select(bits, vec4<u32>(), bits == vec4<u32>(EXPONENT));
    return max(max(finite.x, finite.y), max(finite.z, finite.w));
}

// Before a barrier, of the values that come to the tile after it.
fn note(a: LoadedX, b: LoadedX) {
    let exponent = max(exponent4(a), exponent4(b));
    if (exponent > settled) { atomicMax(&largest, exponent); }
}

fn begin_units(lane: u32, a: LoadedX, b: LoadedX) {
    if (lane == 0u) { atomicStore(&largest, SMALLEST); }
    workgroupBarrier();
    note(a, b);
    workgroupBarrier();
}

// After that barrier: the factor for the sums so far.
fn next_units() -> f32 {
    let before = unit();
    settled = atomicLoad(&largest);
    return before * one_over_unit_of(settled);
}
