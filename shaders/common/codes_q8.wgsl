// Weights of weights_q8 as int8 for integer products.
alias Scale = f32;  // of 32 columns

// 16 codes of row n, from column 16 quad, as stored.
struct Codes { words: vec4<u32>, scales: u32, odd: bool }

fn codes16(n: u32, quad: u32, cols: u32) -> Codes {
    let element = n * cols + 16u * quad;
    return Codes(weight[element / 16u], scales[element / 64u], ((element / 32u) & 1u) == 1u);
}

fn words(codes: Codes) -> vec4<u32> { return codes.words; }

fn scale_of_codes(codes: Codes) -> Scale { return scale_in(codes.scales, codes.odd); }

// The sum over 32 columns, given the sums of products of codes over 16 each.
fn scaled(left: i32, right: i32, scale: Scale) -> f32 { return f32(left + right) * scale; }
