//! Sizes per matrix. Of a matmul: `tiles.rs`. Of a matvec: the tuning says what suits the adapter, and the matrix what part of it can be put to work.
//!
//! A block is 32 columns of a row. K = 896 has 28: of 64 threads side by side along a row 36 would be idle. So `slices` threads share a row,
//! and the workgroup's other threads take other rows.
//!
//! | kernel | rule | reason |
//! |---|---|---|
//! | block | rows and threads of the tuning | a software adapter runs one SIMD vector of threads at a time, whatever the matrix |
//! | staged | at least two workgroups per multiprocessor, fewer than a tenth of the threads idle | with one each, a multiprocessor has nothing to do while it waits |
//! | | as many parts of the columns as that takes, and none below 1 MB | parts cost a second dispatch, which takes longer than a small matrix |
//! | | bytes in flight up to rate × latency of the memory | less leaves it idle; more changes nothing |
//! | | many rows per thread | one load of the inputs serves them all |
//! | | many threads, side by side along a row | long runs of memory; inputs staged for more of them |

mod choose;
mod counts;
mod profile;
mod sizes;
mod tiles;

pub use counts::Counts;
pub use profile::DeviceProfile;
pub use sizes::{MatrixShape, MatvecSizes};
pub use tiles::TileSizes;

#[cfg(test)]
mod tests;
