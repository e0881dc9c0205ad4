//! Which vector instructions compute: the best that this CPU has, found when the program runs.

use super::lanes::{Lanes, Plain};

/// An instruction set that is there.
#[derive(Clone, Copy)]
pub(crate) enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
    #[cfg_attr(
        all(target_arch = "wasm32", target_feature = "simd128"),
        expect(dead_code, reason = "for CPUs without vector instructions, which this build demands")
    )]
    Plain,
}

/// A computation in any instruction set.
pub(crate) trait Work {
    type Output;

    /// Must be inlined, with all that it calls.
    fn with<L: Lanes>(self, lanes: L) -> Self::Output;
}

impl Instructions {
    pub fn found() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            return Self::Avx2(v3);
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return Self::Simd128;
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        Self::Plain
    }

    /// Whether many rows are multiplied faster in integers than in float32: with vector instructions for it.
    pub fn tile(self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// Runs a computation inside a function that has the instructions.
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(v3) => v3.vectorize(OnAvx2 { v3, work }),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => work.with(super::wasm::Simd128),
            Self::Plain => work.with(Plain),
        }
    }
}

#[cfg(target_arch = "x86_64")]
struct OnAvx2<W> {
    v3: pulp::x86::V3,
    work: W,
}

#[cfg(target_arch = "x86_64")]
impl<W: Work> pulp::NullaryFnOnce for OnAvx2<W> {
    type Output = W::Output;

    #[inline(always)]
    fn call(self) -> W::Output {
        self.work.with(super::avx2::Avx2(self.v3))
    }
}
