//! The vector operations in AVX2 and FMA, which every x86 CPU since 2013 (Intel) and 2015 (AMD) has.
//!
//! `pulp` found the instructions when it made the [`V3`]; having one is the proof that they may be used.

use core::arch::x86_64::{__m128i, __m256, __m256i};

use pulp::cast;
use pulp::x86::V3;

use super::lanes::Lanes;

/// AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(pub V3);

/// Selects byte 0 eight times, then byte 1.
const HALVES: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];

impl Lanes for Avx2 {
    type I16 = __m256i;
    type I32 = __m256i;
    type F32 = __m256;

    const EIGHTS: usize = 2;

    #[inline(always)]
    fn nibbles(self, bytes: &[u8; 16]) -> [__m256i; 2] {
        let bytes: __m128i = cast(*bytes);
        let mask = self.0.sse2._mm_set1_epi8(15);
        let low = self.0.sse2._mm_and_si128(bytes, mask);
        let high = self.0.sse2._mm_and_si128(self.0.sse2._mm_srli_epi16::<4>(bytes), mask);
        let eight = self.0.avx._mm256_set1_epi16(8);
        [low, high].map(|codes| self.0.avx2._mm256_sub_epi16(self.0.avx2._mm256_cvtepu8_epi16(codes), eight))
    }

    #[inline(always)]
    fn codes(self, bytes: &[u8; 16]) -> __m256i {
        self.0.avx2._mm256_cvtepi8_epi16(cast(*bytes))
    }

    #[inline(always)]
    fn halves(self, pair: [u8; 2]) -> __m256i {
        let pairs = self.0.sse2._mm_set1_epi16(i16::from_le_bytes(pair));
        self.0.avx2._mm256_cvtepi8_epi16(self.0.ssse3._mm_shuffle_epi8(pairs, cast(HALVES)))
    }

    #[inline(always)]
    fn load(self, words: &[i32; 8]) -> __m256i {
        cast(*words)
    }

    #[inline(always)]
    fn store(self, a: __m256i) -> [i32; 8] {
        cast(a)
    }

    #[inline(always)]
    fn pairs(self, word: i32) -> __m256i {
        self.0.avx._mm256_set1_epi32(word)
    }

    #[inline(always)]
    fn mul(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_mullo_epi16(a, b)
    }

    #[inline(always)]
    fn dot(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_madd_epi16(a, b)
    }

    #[inline(always)]
    fn dot_words(self, a: __m256i, b: __m256i) -> __m256i {
        self.dot(a, b)
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        self.0.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn zero_i32(self) -> __m256i {
        self.0.avx._mm256_setzero_si256()
    }

    #[inline(always)]
    fn zero(self) -> __m256 {
        self.0.avx._mm256_setzero_ps()
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        self.0.avx._mm256_set1_ps(x)
    }

    #[inline(always)]
    fn read(self, values: &[f32; 8]) -> __m256 {
        cast(*values)
    }

    #[inline(always)]
    fn write(self, a: __m256) -> [f32; 8] {
        cast(a)
    }

    #[inline(always)]
    fn product(self, a: __m256, b: __m256) -> __m256 {
        self.0.avx._mm256_mul_ps(a, b)
    }

    #[inline(always)]
    fn plus_product(self, sum: __m256, a: __m256, b: __m256) -> __m256 {
        self.0.fma._mm256_fmadd_ps(a, b, sum)
    }

    #[inline(always)]
    fn float(self, a: __m256i) -> __m256 {
        self.0.avx._mm256_cvtepi32_ps(a)
    }

    #[inline(always)]
    fn scaled(self, sum: __m256, a: __m256i, scale: f32) -> __m256 {
        self.0.fma._mm256_fmadd_ps(self.0.avx._mm256_cvtepi32_ps(a), self.0.avx._mm256_set1_ps(scale), sum)
    }

    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        let lanes: [f32; 8] = cast(a);
        lanes.iter().sum()
    }

    #[inline(always)]
    fn floats(self, a: __m256i) -> [f32; 16] {
        let halves: [__m128i; 2] = cast(a);
        cast(halves.map(|half| self.0.avx._mm256_cvtepi32_ps(self.0.avx2._mm256_cvtepi16_epi32(half))))
    }

    #[inline(always)]
    fn rounded(self, x: &[f32; 16], scale: f32) -> [i32; 8] {
        let (halves, scale): ([__m256; 2], _) = (cast(*x), self.0.avx._mm256_set1_ps(scale));
        let [a, b] = halves.map(|half| self.0.avx._mm256_cvtps_epi32(self.0.avx._mm256_mul_ps(half, scale)));
        let packed = self.0.avx2._mm256_packs_epi32(a, b); // quarters a0 b0 a1 b1
        cast(self.0.avx2._mm256_permute4x64_epi64::<0b11_01_10_00>(packed))
    }

    #[inline(always)]
    fn transposed(self, [a, b, c, d, e, f, g, h]: [__m256i; 8]) -> [[i32; 8]; 8] {
        let (low, high) =
            (|a, b| self.0.avx2._mm256_unpacklo_epi32(a, b), |a, b| self.0.avx2._mm256_unpackhi_epi32(a, b));
        let pairs = [low(a, b), high(a, b), low(c, d), high(c, d), low(e, f), high(e, f), low(g, h), high(g, h)];
        let [ab, ab_high, cd, cd_high, ef, ef_high, gh, gh_high] = pairs;
        let (low, high) =
            (|a, b| self.0.avx2._mm256_unpacklo_epi64(a, b), |a, b| self.0.avx2._mm256_unpackhi_epi64(a, b));
        // Words i and i + 4 of four rows.
        let upper = [low(ab, cd), high(ab, cd), low(ab_high, cd_high), high(ab_high, cd_high)];
        let lower = [low(ef, gh), high(ef, gh), low(ef_high, gh_high), high(ef_high, gh_high)];
        let mut words = [[0; 8]; 8];
        for word in 0..4 {
            words[word] = cast(self.0.avx2._mm256_permute2x128_si256::<0x20>(upper[word], lower[word]));
            words[word + 4] = cast(self.0.avx2._mm256_permute2x128_si256::<0x31>(upper[word], lower[word]));
        }
        words
    }
}
