// Powers of two that float32 is divided by before it is rounded to float16, as exponents in place: a value with exponent e, divided by the
// unit of e, lies in 2^14 .. 2^15.
const EXPONENT: u32 = 0x7f800000u;   // its bits in a float32
const SMALLEST: u32 = 15u << 23u;    // exponents below this one count as this one
const TOP: u32 = (2u * 127u + 14u) << 23u;
const BOTTOM: u32 = 14u << 23u;

fn unit_of(exponent: u32) -> f32 { return bitcast<f32>(exponent - BOTTOM); }

fn one_over_unit_of(exponent: u32) -> f32 { return bitcast<f32>(TOP - exponent); }
