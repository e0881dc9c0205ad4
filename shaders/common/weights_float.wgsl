// What float32 and float16 weights share. Row-major; K is a multiple of 4.
@group(0) @binding(1) var<storage, read> weight: array<Quad>;  // [N, K/4]

// Columns k..k+3 of row n as stored, for kernels that load ahead of use; k is a multiple of 4.
fn quad4(n: u32, k: u32, cols: u32) -> Quad { return weight[(n * cols + k) / 4u]; }

fn weight4(n: u32, k: u32, cols: u32) -> vec4<f32> { return values4(quad4(n, k, cols)); }

// The interface of the quantised schemes (see weights_q4), with every scale 1.
const SHARED: u32 = 32u;

fn row_scale(n: u32, cols: u32) -> f32 { return 1.0; }

fn shared_scale(n: u32, k: u32, cols: u32) -> f32 { return 1.0; }

fn scaled4(n: u32, k: u32, cols: u32, scale: f32) -> vec4<f32> { return weight4(n, k, cols); }
