//! The vector operations that the kernels are written in, 16 columns at a time, and their plain form.
//!
//! `avx2.rs` and `wasm.rs` are the same operations as instructions. The plain form serves every other CPU: NEON is part of every 64-bit
//! Arm, so the compiler turns these loops into it.

/// Vectors of one instruction set. Every method must be inlined into a function that has those instructions: see [`super::instructions`].
pub(crate) trait Lanes: Copy {
    /// Rows of W, in eights, that a tile of [`super::tiles`] takes: as many as there are registers for.
    const EIGHTS: usize;
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
    /// Reads 16 integers, two to a word.
    fn load(self, words: &[i32; 8]) -> Self::I16;
    /// Writes 16 integers, two to a word.
    fn store(self, a: Self::I16) -> [i32; 8];
    /// The two integers of a word, eight times.
    fn pairs(self, word: i32) -> Self::I16;
    /// a·b in each lane, modulo 2¹⁶.
    fn mul(self, a: Self::I16, b: Self::I16) -> Self::I16;
    /// The products of 16 lanes, added in pairs: which lanes make a pair is the instruction set's choice.
    fn dot(self, a: Self::I16, b: Self::I16) -> Self::I32;
    /// The products of 16 lanes, those of a word added.
    fn dot_words(self, a: Self::I16, b: Self::I16) -> Self::I32;
    /// a + b in each lane, modulo 2³².
    fn add(self, a: Self::I32, b: Self::I32) -> Self::I32;
    /// Zeros.
    fn zero_i32(self) -> Self::I32;
    /// Zeros.
    fn zero(self) -> Self::F32;
    /// x, eight times.
    fn splat(self, x: f32) -> Self::F32;
    /// Reads 8 numbers.
    fn read(self, values: &[f32; 8]) -> Self::F32;
    /// Writes 8 numbers.
    fn write(self, a: Self::F32) -> [f32; 8];
    /// a·b in each lane.
    fn product(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// sum + a·b in each lane.
    fn plus_product(self, sum: Self::F32, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a as float32.
    fn float(self, a: Self::I32) -> Self::F32;
    /// sum + a·scale in each lane.
    fn scaled(self, sum: Self::F32, a: Self::I32, scale: f32) -> Self::F32;
    /// The sum of 8 lanes.
    fn sum(self, a: Self::F32) -> f32;
    /// a as float32.
    fn floats(self, a: Self::I16) -> [f32; 16];
    /// x·scale rounded to the nearest integer, which fits 16 bits; anything if x is not finite.
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i32; 8];

    /// Word i of every row, for each i.
    #[inline(always)]
    fn transposed(self, rows: [Self::I16; 8]) -> [[i32; 8]; 8] {
        let mut words = [[0; 8]; 8];
        for (row, values) in rows.into_iter().enumerate() {
            for (word, value) in words.iter_mut().zip(self.store(values)) {
                word[row] = value;
            }
        }
        words
    }
}

/// Plain loops over arrays.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    type I16 = [i16; 16];
    type I32 = [i32; 8];
    type F32 = [f32; 8];

    const EIGHTS: usize = 1;

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
    fn load(self, words: &[i32; 8]) -> [i16; 16] {
        pulp::cast(*words)
    }

    #[inline(always)]
    fn store(self, a: [i16; 16]) -> [i32; 8] {
        pulp::cast(a)
    }

    #[inline(always)]
    fn pairs(self, word: i32) -> [i16; 16] {
        pulp::cast([word; 8])
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
    fn dot_words(self, a: [i16; 16], b: [i16; 16]) -> [i32; 8] {
        let product = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
        std::array::from_fn(|word| product(2 * word).wrapping_add(product(2 * word + 1)))
    }

    #[inline(always)]
    fn add(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }

    #[inline(always)]
    fn zero_i32(self) -> [i32; 8] {
        [0; 8]
    }

    #[inline(always)]
    fn zero(self) -> [f32; 8] {
        [0.0; 8]
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 8] {
        [x; 8]
    }

    #[inline(always)]
    fn read(self, values: &[f32; 8]) -> [f32; 8] {
        *values
    }

    #[inline(always)]
    fn write(self, a: [f32; 8]) -> [f32; 8] {
        a
    }

    #[inline(always)]
    fn product(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn plus_product(self, sum: [f32; 8], a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| sum[lane] + a[lane] * b[lane])
    }

    #[inline(always)]
    fn float(self, a: [i32; 8]) -> [f32; 8] {
        a.map(|a| a as f32)
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
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i32; 8] {
        pulp::cast(x.map(|x| (x * scale).round_ties_even() as i16))
    }
}
