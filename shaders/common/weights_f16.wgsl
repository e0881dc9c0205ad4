// Matrix [N, K] in float16, row-major, two per u32. K is a multiple of 4. No `enable f16`: unpacking works everywhere.
@group(0) @binding(1) var<storage, read> weight: array<vec2<u32>>;

// Elements k..k+3 of row n as they are stored, for kernels that load ahead; k is a multiple of 4.
struct Quad { packed: vec2<u32> }

fn quad4(n: u32, k: u32, cols: u32) -> Quad { return Quad(weight[(n * cols + k) / 4u]); }

fn values4(quad: Quad) -> vec4<f32> { return vec4<f32>(unpack2x16float(quad.packed.x), unpack2x16float(quad.packed.y)); }

fn weight4(n: u32, k: u32, cols: u32) -> vec4<f32> { return values4(quad4(n, k, cols)); }

// Unscaled schemes have nothing to share: see weights_q4.
const SHARED: u32 = 32u;

fn row_scale(n: u32, cols: u32) -> f32 { return 1.0; }

fn shared_scale(n: u32, k: u32, cols: u32) -> f32 { return 1.0; }

fn scaled4(n: u32, k: u32, cols: u32, scale: f32) -> vec4<f32> { return weight4(n, k, cols); }
