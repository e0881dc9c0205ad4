// Keys and values in float16, four per element: half the bytes that every token reads of a long audio. Head width, strides and offsets
// are multiples of 4.
@group(0) @binding(2) var<storage, read> kv: array<vec2<u32>>;

// Elements d..d+3 of the head at `base`.
fn kv4(base: u32, d: u32) -> vec4<f32> {
    let packed = kv[(base + d) / 4u];
    return vec4<f32>(unpack2x16float(packed.x), unpack2x16float(packed.y));
}
