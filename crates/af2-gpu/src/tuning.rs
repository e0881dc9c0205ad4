//! Choices that change the speed of a kernel on an adapter, never what it computes.

use crate::AdapterFacts;

/// The kernel for products with many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Tiles in workgroup memory, 256 threads: for chips.
    Tiled,
    /// Tiles of four times the results, where a product is large enough: for chips that have the registers.
    Wide,
    /// Results in registers, 8 threads and no barrier: for programs.
    Block,
}

/// Sizes and kernels for one adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Products with many rows.
    pub product: Product,
    /// Matrix rows per workgroup of a product with one row; even, at most 32.
    pub matvec_rows: u32,
    /// Threads per workgroup of a product with one row; a multiple of 8.
    pub matvec_threads: u32,
    /// Threads per workgroup where each works on one row or frame; a multiple of 8.
    pub row_threads: u32,
}

impl Tuning {
    /// For chips: memory latency is hidden by many small workgroups.
    pub const HARDWARE: Self = Self { product: Product::Tiled, matvec_rows: 8, matvec_threads: 64, row_threads: 64 };
    /// For programs: one vector of threads, and as much reuse of what was loaded as there are registers.
    pub const SOFTWARE: Self = Self { product: Product::Block, matvec_rows: 32, matvec_threads: 8, row_threads: 8 };

    /// What suits an adapter that nobody measured; [`crate::Gpu::measure_tuning`] does.
    pub fn of(facts: &AdapterFacts) -> Self {
        if facts.software { Self::SOFTWARE } else { Self::HARDWARE }
    }

    /// Threads of a workgroup that shares out `keys` keys. A chip hides latency with one per key, whatever suits its norms; a program
    /// steps through them a vector at a time and stops at every barrier.
    pub(crate) fn key_threads(self, keys: u32) -> u32 {
        match self.product {
            Product::Tiled | Product::Wide => keys,
            Product::Block => self.row_threads.min(keys),
        }
    }

    pub(crate) fn row_threads(self) -> (&'static str, f64) {
        ("THREADS", f64::from(self.row_threads))
    }
}
