// Loads and sums of the matmul kernels with tiles in workgroup memory.
//!include common/matmul_params.wgsl
//!include common/matmul_x.wgsl

// Columns 4 quad .. 4 quad + 3 of row m of x. Indices past the end are clamped: no load is behind a branch. The values are not
// touched before they are stored to a tile, so that the load is in flight while the tile before is used.
fn x_quad(m: u32, quad: u32) -> vec4<f32> {
    let quads = params.cols / 4u;
    return x[min(m, params.rows - 1u) * quads + min(quad, quads - 1u)];
}

// The same of row n of W.
fn w_quad(n: u32, quad: u32) -> Quad {
    return quad4(min(n, params.outputs - 1u), 4u * min(quad, params.cols / 4u - 1u), params.cols);
}

// The loaded values, zero past the last column, so that it does not matter what W was read there.
fn inside(quad: u32, value: vec4<f32>) -> vec4<f32> { return select(vec4<f32>(), value, quad < params.cols / 4u); }

// Four multiply-adds: a dot product added afterwards takes a fifth operation.
fn plus_dot(sum: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
    return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

fn plus_dots(sums: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(plus_dot(sums.x, a, b0), plus_dot(sums.y, a, b1), plus_dot(sums.z, a, b2), plus_dot(sums.w, a, b3));
}
