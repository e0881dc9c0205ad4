// What the kernels with tiles in workgroup memory load and add up.
//!include common/matmul_params.wgsl

// Elements 4 quad .. 4 quad + 3 of row m of x. Past the end the last row, and the last elements, come again: no load stands behind a
// branch, and nothing is made of what is loaded until it is stored, so that it is under way while a tile is used.
fn x_quad(m: u32, quad: u32) -> vec4<f32> {
    let quads = params.cols / 4u;
    return x[min(m, params.rows - 1u) * quads + min(quad, quads - 1u)];
}

// The same of row n of W.
fn w_quad(n: u32, quad: u32) -> Quad {
    return quad4(min(n, params.outputs - 1u), 4u * min(quad, params.cols / 4u - 1u), params.cols);
}

// What x holds there: zero past the last column, whatever W has there.
fn inside(quad: u32, value: vec4<f32>) -> vec4<f32> { return select(vec4<f32>(), value, quad < params.cols / 4u); }

// One multiply-add per product: a dot product that is added afterwards takes a fifth operation.
fn plus_dot(sum: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
    return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

fn plus_dots(sums: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(plus_dot(sums.x, a, b0), plus_dot(sums.y, a, b1), plus_dot(sums.z, a, b2), plus_dot(sums.w, a, b3));
}
