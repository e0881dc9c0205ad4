// Rows m..m+3 of x as the columns of a matrix. Rows past the end repeat the last one and are not stored.
fn rows4(m: u32, quad: u32) -> mat4x4<f32> {
    let last = params.rows - 1u;
    let quads = params.cols / 4u;
    return mat4x4<f32>(
        x[min(m, last) * quads + quad],
        x[min(m + 1u, last) * quads + quad],
        x[min(m + 2u, last) * quads + quad],
        x[min(m + 3u, last) * quads + quad],
    );
}
