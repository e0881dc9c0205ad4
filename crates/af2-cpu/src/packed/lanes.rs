//! The vector operations that the kernels are written in, 16 columns at a time, and their plain form.
//!
//! `avx2.rs` and `wasm.rs` are the same operations as instructions. The plain form serves every other CPU: NEON is part of every 64-bit
//! Arm, so the compiler turns these loops into it.

/// Vectors of one instruction set. Every method must be inlined into a function that has those instructions: see [`super::instructions`].
pub(crate) trait Lanes: Copy {
    /// 16 integers of 16 bits.
    type I16: Copy;
    /// 8 integers of 32 bits.
    type I32: Copy;
    /// 8 numbers of float32.
    type F32: Copy;

    /// Codes − 8 of a q4 block: the low nibbles of its bytes, then the high ones.
    fn nibbles(self, bytes: &[u8; 16]) -> [Self::I16; 2];
    /// Half a q8 block.
    fn codes(self, bytes: &[u8; 16]) -> Self::I16;
    /// 8 times the first number, then 8 times the second.
    fn halves(self, pair: [u8; 2]) -> Self::I16;
    /// Reads 16 integers.
    fn load(self, values: &[i16; 16]) -> Self::I16;
    /// Writes 16 integers.
    fn store(self, a: Self::I16) -> [i16; 16];
    /// a·b in each lane, modulo 2¹⁶.
    fn mul(self, a: Self::I16, b: Self::I16) -> Self::I16;
    /// The products of 16 lanes, added in pairs: which lanes make a pair is the instruction set's choice.
    fn dot(self, a: Self::I16, b: Self::I16) -> Self::I32;
    /// a + b in each lane, modulo 2³².
    fn add(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Zeros.
    fn zero(self) -> Self::F32;
    /// sum + a·scale in each lane.
    fn scaled(self, sum: Self::F32, a: Self::I32, scale: f32) -> Self::F32;
    /// The sum of 8 lanes.
    fn sum(self, a: Self::F32) -> f32;
    /// a as float32.
    fn floats(self, a: Self::I16) -> [f32; 16];
    /// x·scale rounded to the nearest integer, which fits 16 bits; anything if x is not finite.
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i16; 16];
}

/// Plain loops over arrays.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    type I16 = [i16; 16];
    type I32 = [i32; 8];
    type F32 = [f32; 8];

    #[inline(always)]
    fn nibbles(self, bytes: &[u8; 16]) -> [[i16; 16]; 2] {
        [bytes.map(|byte| i16::from(byte & 15) - 8), bytes.map(|byte| i16::from(byte >> 4) - 8)]
    }

    #[inline(always)]
    fn codes(self, bytes: &[u8; 16]) -> [i16; 16] {
        bytes.map(|byte| i16::from(byte as i8))
    }

    #[inline(always)]
    fn halves(self, pair: [u8; 2]) -> [i16; 16] {
        let pair = pair.map(|byte| i16::from(byte as i8));
        std::array::from_fn(|lane| pair[lane / 8])
    }

    #[inline(always)]
    fn load(self, values: &[i16; 16]) -> [i16; 16] {
        *values
    }

    #[inline(always)]
    fn store(self, a: [i16; 16]) -> [i16; 16] {
        a
    }

    #[inline(always)]
    fn mul(self, a: [i16; 16], b: [i16; 16]) -> [i16; 16] {
        std::array::from_fn(|lane| a[lane].wrapping_mul(b[lane]))
    }

    #[inline(always)]
    fn dot(self, a: [i16; 16], b: [i16; 16]) -> [i32; 8] {
        let product = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
        std::array::from_fn(|lane| product(lane).wrapping_add(product(lane + 8)))
    }

    #[inline(always)]
    fn add(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    fn zero(self) -> [f32; 8] {
        [0.0; 8]
    }

    #[inline(always)]
    fn scaled(self, sum: [f32; 8], a: [i32; 8], scale: f32) -> [f32; 8] {
        std::array::from_fn(|lane| sum[lane] + a[lane] as f32 * scale)
    }

    #[inline(always)]
    fn sum(self, a: [f32; 8]) -> f32 {
        a.iter().sum()
    }

    #[inline(always)]
    fn floats(self, a: [i16; 16]) -> [f32; 16] {
        a.map(f32::from)
    }

    #[inline(always)]
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i16; 16] {
        x.map(|x| (x * scale).round_ties_even() as i16)
    }
}
