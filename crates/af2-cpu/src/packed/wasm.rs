//! The vector operations in WebAssembly's SIMD, which every browser has that this engine runs in.

use core::arch::wasm32::{
    f32x4_add, f32x4_convert_i32x4, f32x4_mul, f32x4_nearest, f32x4_splat, i8x16_splat, i8x16_sub,
    i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i16x8_mul, i16x8_narrow_i32x4, i16x8_splat, i32x4_add,
    i32x4_dot_i16x8, i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, i32x4_splat, i32x4_trunc_sat_f32x4, u8x16_shr,
    v128, v128_and,
};

use pulp::cast;

use super::lanes::Lanes;

/// Pairs of 128-bit vectors.
#[derive(Clone, Copy)]
pub(super) struct Simd128;

/// Both vectors. (The closures around single instructions below are needed: functions with a target feature are no `Fn`.)
type Pair = [v128; 2];

#[inline(always)]
fn each(a: Pair, b: Pair, op: impl Fn(v128, v128) -> v128) -> Pair {
    [op(a[0], b[0]), op(a[1], b[1])]
}

#[inline(always)]
fn widened(bytes: v128) -> Pair {
    [i16x8_extend_low_i8x16(bytes), i16x8_extend_high_i8x16(bytes)]
}

impl Lanes for Simd128 {
    type I16 = Pair;
    type I32 = Pair;
    type F32 = Pair;

    const EIGHTS: usize = 1;

    #[inline(always)]
    fn nibbles(self, bytes: &[u8; 16]) -> [Pair; 2] {
        let (bytes, eight) = (cast(*bytes), i8x16_splat(8));
        [v128_and(bytes, i8x16_splat(15)), u8x16_shr(bytes, 4)].map(|codes| widened(i8x16_sub(codes, eight)))
    }

    #[inline(always)]
    fn codes(self, bytes: &[u8; 16]) -> Pair {
        widened(cast(*bytes))
    }

    #[inline(always)]
    fn halves(self, pair: [u8; 2]) -> Pair {
        pair.map(|byte| i16x8_splat(i16::from(byte as i8)))
    }

    #[inline(always)]
    fn load(self, words: &[i32; 8]) -> Pair {
        cast(*words)
    }

    #[inline(always)]
    fn store(self, a: Pair) -> [i32; 8] {
        cast(a)
    }

    #[inline(always)]
    fn pairs(self, word: i32) -> Pair {
        [i32x4_splat(word); 2]
    }

    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i16x8_mul(a, b))
    }

    #[inline(always)]
    fn dot(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i32x4_dot_i16x8(a, b))
    }

    #[inline(always)]
    fn dot_words(self, a: Pair, b: Pair) -> Pair {
        self.dot(a, b)
    }

    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| i32x4_add(a, b))
    }

    #[inline(always)]
    fn zero_i32(self) -> Pair {
        [i32x4_splat(0); 2]
    }

    #[inline(always)]
    fn zero(self) -> Pair {
        self.splat(0.0)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        [f32x4_splat(x); 2]
    }

    #[inline(always)]
    fn read(self, values: &[f32; 8]) -> Pair {
        cast(*values)
    }

    #[inline(always)]
    fn write(self, a: Pair) -> [f32; 8] {
        cast(a)
    }

    #[inline(always)]
    fn product(self, a: Pair, b: Pair) -> Pair {
        each(a, b, |a, b| f32x4_mul(a, b))
    }

    #[inline(always)]
    fn plus_product(self, sum: Pair, a: Pair, b: Pair) -> Pair {
        each(sum, self.product(a, b), |sum, product| f32x4_add(sum, product))
    }

    #[inline(always)]
    fn float(self, a: Pair) -> Pair {
        a.map(|a| f32x4_convert_i32x4(a))
    }

    #[inline(always)]
    fn scaled(self, sum: Pair, a: Pair, scale: f32) -> Pair {
        let scale = f32x4_splat(scale);
        each(sum, a, |sum, a| f32x4_add(sum, f32x4_mul(f32x4_convert_i32x4(a), scale)))
    }

    #[inline(always)]
    fn sum(self, a: Pair) -> f32 {
        let lanes: [f32; 8] = cast(a);
        lanes.iter().sum()
    }

    #[inline(always)]
    fn floats(self, a: Pair) -> [f32; 16] {
        let widened = a.map(|half| [i32x4_extend_low_i16x8(half), i32x4_extend_high_i16x8(half)]);
        cast(widened.map(|pair| pair.map(|x| f32x4_convert_i32x4(x))))
    }

    #[inline(always)]
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i32; 8] {
        let (quarters, scale): ([v128; 4], _) = (cast(*x), f32x4_splat(scale));
        let [a, b, c, d] = quarters.map(|x| i32x4_trunc_sat_f32x4(f32x4_nearest(f32x4_mul(x, scale))));
        cast([i16x8_narrow_i32x4(a, b), i16x8_narrow_i32x4(c, d)])
    }
}
