// What `matvec_block` takes of rows in float32.
var<private> x_group: array<vec4<f32>, 8>;  // the 32 inputs that meet the current group

// Dot product of 32 columns of row n with x_group; `group` counts groups of 32 columns. K is a multiple of 32 here.
fn dot_group(n: u32, group: u32, cols: u32) -> f32 {
    let base = (n * cols) / 4u + group * 8u;
    var sum = 0.0;
    for (var i = 0u; i < 8u; i += 1u) { sum += dot(weight[base + i], x_group[i]); }
    return sum;
}
