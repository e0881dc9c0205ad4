// What the kernels with tiles in workgroup memory load and add up.
//!include common/matmul_params.wgsl

// Elements 4 quad .. 4 quad + 3 of row m of x, zero past the last column. Rows past the end repeat the last one and are not stored:
// no load stands behind a branch, so that several are under way at once.
fn x_quad(m: u32, quad: u32) -> vec4<f32> {
    let quads = params.cols / 4u;
    return select(vec4<f32>(), x[min(m, params.rows - 1u) * quads + min(quad, quads - 1u)], quad < quads);
}

// The same of row n of W; past the last column the last elements again, which meet zeros.
fn w_quad(n: u32, quad: u32) -> vec4<f32> {
    return weight4(min(n, params.outputs - 1u), 4u * min(quad, params.cols / 4u - 1u), params.cols);
}

// One multiply-add per product: a dot product that is added afterwards takes a fifth operation.
fn plus_dot(sum: f32, a: vec4<f32>, b: vec4<f32>) -> f32 {
    return sum + a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w;
}

fn plus_dots(sums: vec4<f32>, a: vec4<f32>, b0: vec4<f32>, b1: vec4<f32>, b2: vec4<f32>, b3: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(plus_dot(sums.x, a, b0), plus_dot(sums.y, a, b1), plus_dot(sums.z, a, b2), plus_dot(sums.w, a, b3));
}
