// Buffers that a plan copied to textures, so that software adapters fetch them faster: texel i of rows of 4096.
fn place(i: u32) -> vec2<u32> { return vec2<u32>(i % 4096u, i / 4096u); }
