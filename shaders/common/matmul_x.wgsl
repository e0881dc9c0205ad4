// The activations of the matmul kernels in float32.
@group(0) @binding(3) var<storage, read> x: array<vec4<f32>>;  // [M, K]
