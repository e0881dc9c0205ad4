// What `matvec_block` takes of 8-bit rows.
var<private> x_group: array<vec4<f32>, 8>;  // the 32 inputs that meet the current group

// Dot product of 32 columns of row n with x_group; `group` counts groups of 32 columns.
fn dot_group(n: u32, group: u32, cols: u32) -> f32 {
    let index = n * (cols / 32u) + group;
    let low = weight[2u * index];
    let high = weight[2u * index + 1u];
    var sum = dot(vec4<f32>(unpack4xI8(low.x)), x_group[0]) + dot(vec4<f32>(unpack4xI8(low.y)), x_group[1]);
    sum += dot(vec4<f32>(unpack4xI8(low.z)), x_group[2]) + dot(vec4<f32>(unpack4xI8(low.w)), x_group[3]);
    sum += dot(vec4<f32>(unpack4xI8(high.x)), x_group[4]) + dot(vec4<f32>(unpack4xI8(high.y)), x_group[5]);
    sum += dot(vec4<f32>(unpack4xI8(high.z)), x_group[6]) + dot(vec4<f32>(unpack4xI8(high.w)), x_group[7]);
    return sum * scale_of(index);
}
