//! Choices that change the speed of a kernel on an adapter, never what it computes.

use std::fmt;
use std::str::FromStr;

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

/// The kernel for products with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowProduct {
    /// Inputs staged in workgroup memory, weights loaded ahead of their use: for chips.
    Staged,
    /// Many rows for every input that is loaded: for programs.
    Block,
}

/// Inputs of a thread of a staged product fill this much of workgroup memory at most.
const MOST_STAGED_THREADS: u32 = 120;
/// Partial sums that a block product with one row keeps in workgroup memory.
const MOST_ROW_LANES: u32 = 4096;

/// Sizes and kernels for one adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Products with many rows.
    pub product: Product,
    /// Products with one row.
    pub row_product: RowProduct,
    /// Matrix rows per workgroup of them: 4 or 8 if staged; even, at most 32, in blocks.
    pub matvec_rows: u32,
    /// Threads per workgroup of them; a multiple of 8.
    pub matvec_threads: u32,
    /// Threads per workgroup where each works on one row or frame; a multiple of 8.
    pub row_threads: u32,
}

impl Tuning {
    /// For chips: memory latency is hidden by many small workgroups.
    pub const HARDWARE: Self = Self {
        product: Product::Tiled,
        row_product: RowProduct::Staged,
        matvec_rows: 8,
        matvec_threads: 64,
        row_threads: 64,
    };
    /// For programs: one vector of threads, and as much reuse of what was loaded as there are registers.
    pub const SOFTWARE: Self = Self {
        product: Product::Block,
        row_product: RowProduct::Block,
        matvec_rows: 32,
        matvec_threads: 8,
        row_threads: 8,
    };

    /// In words, for people.
    pub fn describe(&self) -> String {
        let product = match self.product {
            Product::Tiled => "tiles in workgroup memory",
            Product::Wide => "wide tiles in workgroup memory",
            Product::Block => "blocks in registers",
        };
        let staged = match self.row_product {
            RowProduct::Staged => "staged",
            RowProduct::Block => "in blocks",
        };
        let Self { matvec_rows, matvec_threads, row_threads, .. } = self;
        format!(
            "{product}; for one row {staged}, {matvec_rows} rows by {matvec_threads} threads; {row_threads} threads a norm"
        )
    }

    /// Whether kernels can have these sizes; what was read from somewhere may not.
    pub fn is_possible(&self) -> bool {
        let threads = |count: u32, most: u32| count.is_multiple_of(8) && (8..=most).contains(&count);
        let Self { matvec_rows: rows, matvec_threads, .. } = *self;
        let one_row = match self.row_product {
            RowProduct::Staged => [4, 8].contains(&rows) && threads(matvec_threads, MOST_STAGED_THREADS),
            RowProduct::Block => {
                let known = rows.is_multiple_of(2) && (2..=32).contains(&rows);
                known && threads(matvec_threads, 256) && rows * matvec_threads <= MOST_ROW_LANES
            }
        };
        one_row && threads(self.row_threads, 256)
    }

    /// What suits an adapter that nobody measured; [`crate::Gpu::measure_tuning`] does.
    pub fn of(facts: &AdapterFacts) -> Self {
        if facts.software { Self::SOFTWARE } else { Self::HARDWARE }
    }

    /// Threads of a workgroup that attends to a slice of the keys, and how many share a key. A chip hides latency with many, whatever
    /// suits its norms; a program steps through them a vector at a time and stops at every barrier.
    pub(crate) fn key_threads(self) -> (u32, u32) {
        match self.row_product {
            RowProduct::Staged => (256, 4),
            RowProduct::Block => (self.row_threads.min(64), 1),
        }
    }

    pub(crate) fn row_threads(self) -> (&'static str, f64) {
        ("THREADS", f64::from(self.row_threads))
    }
}

/// Kernel for products; kernel, rows and threads of products with one row; threads of norms: `tiled staged 8 64 64`.
impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = match self.product {
            Product::Tiled => "tiled",
            Product::Wide => "wide",
            Product::Block => "block",
        };
        let row_product = match self.row_product {
            RowProduct::Staged => "staged",
            RowProduct::Block => "block",
        };
        write!(f, "{product} {row_product} {} {} {}", self.matvec_rows, self.matvec_threads, self.row_threads)
    }
}

/// A text that is no [`Tuning`], or one that kernels cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no kernels, as 'tiled staged 8 64 64' does")]
pub struct NoTuning(String);

impl FromStr for Tuning {
    type Err = NoTuning;

    fn from_str(text: &str) -> Result<Self, NoTuning> {
        let wrong = || NoTuning(text.into());
        let words: Vec<&str> = text.split(' ').collect();
        let [product, row_product, rows, threads, row_threads] = words[..] else { return Err(wrong()) };
        let product = match product {
            "tiled" => Product::Tiled,
            "wide" => Product::Wide,
            "block" => Product::Block,
            _ => return Err(wrong()),
        };
        let row_product = match row_product {
            "staged" => RowProduct::Staged,
            "block" => RowProduct::Block,
            _ => return Err(wrong()),
        };
        let number = |word: &str| word.parse().map_err(|_| wrong());
        let tuning = Self {
            product,
            row_product,
            matvec_rows: number(rows)?,
            matvec_threads: number(threads)?,
            row_threads: number(row_threads)?,
        };
        if tuning.is_possible() { Ok(tuning) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for tuning in [Tuning::HARDWARE, Tuning::SOFTWARE, Tuning { product: Product::Wide, ..Tuning::HARDWARE }] {
            assert_eq!(tuning.to_string().parse(), Ok(tuning));
        }
    }

    #[test]
    fn texts_that_name_no_kernels() {
        for text in [
            "",
            "tiled",
            "tiled staged 8 64",
            "tiled 8 64 64",
            "tiles staged 8 64 64",
            "tiled wide 8 64 64",
            "tiled staged 3 64 64",
            "tiled staged 16 64 64",
            "tiled staged 8 128 64",
            "tiled block 8 1024 64",
            "wide block 32 256 64",
            "wide staged 8 64 0",
        ] {
            assert_eq!(text.parse::<Tuning>(), Err(NoTuning(text.into())));
        }
    }
}
