//! Sizes of a matvec per matrix: the tuning says what suits the adapter, and the matrix what part of it can be put to work.
//!
//! | kernel | rule | reason |
//! |---|---|---|
//! | block | rows and threads of the tuning | a software adapter runs one SIMD vector of threads at a time, whatever the matrix |
//! | staged | the most threads, up to the tuning's, of which at most an eighth is idle | a thread takes a block of 32 columns per turn, |
//! | | | and K = 896 has 28; but the more threads, the more bytes are in flight |
//! | staged | 4 rows where 8 give fewer than two workgroups per multiprocessor | N = 896 gives 112 workgroups of 8 rows |

use crate::{MatvecKernel, Tuning};

/// Columns that a thread takes per turn.
const COLUMNS: usize = 32;
/// Threads come in multiples of this: a workgroup adds up its sums in eight parts.
const STEP: usize = 8;
/// Two workgroups for each of the 132 multiprocessors of an H100.
const ENOUGH_GROUPS: usize = 264;

/// Rows and threads of a workgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MatvecSizes {
    pub rows: u32,
    pub threads: u32,
}

impl MatvecSizes {
    /// For a matrix of `outputs` rows and `cols` columns.
    pub fn of(tuning: Tuning, outputs: usize, cols: usize) -> Self {
        let Tuning { matvec, matvec_rows: rows, matvec_threads: threads, .. } = tuning;
        if matvec == MatvecKernel::Block {
            return Self { rows, threads };
        }
        let few = outputs.div_ceil(rows as usize) < ENOUGH_GROUPS;
        Self { rows: if few { rows.min(4) } else { rows }, threads: busy_threads(cols, threads as usize) as u32 }
    }

    /// Workgroups for so many rows of a matrix.
    pub fn groups(self, matrix_rows: usize) -> u32 {
        (matrix_rows as u32).div_ceil(self.rows)
    }
}

/// The largest number of threads up to `most` whose turns leave at most an eighth of them idle; if there is none, the number that leaves
/// the fewest.
fn busy_threads(cols: usize, most: usize) -> usize {
    let blocks = cols.div_ceil(COLUMNS);
    let slots = |threads: usize| blocks.next_multiple_of(threads);
    let counts = || (STEP..=most.next_multiple_of(STEP)).rev().step_by(STEP);
    let busy = counts().find(|threads| 8 * (slots(*threads) - blocks) <= slots(*threads));
    busy.or_else(|| counts().min_by_key(|threads| slots(*threads))).unwrap_or(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(outputs: usize, cols: usize) -> (MatvecSizes, f64) {
        let sizes = MatvecSizes::of(Tuning::HARDWARE, outputs, cols);
        let blocks = cols / COLUMNS;
        let slots = blocks.next_multiple_of(sizes.threads as usize);
        (sizes, 1.0 - blocks as f64 / slots as f64)
    }

    /// Every matrix of a decoded token above 1 MB in 4 bits, of the 0.5B, 1.5B and 3B: outputs and columns.
    const RELEASED: [(usize, usize); 17] = [
        (9_728, 896),
        (896, 4_864),
        (3_584, 896),
        (896, 3_584),
        (151_669, 896),
        (2_048, 1_536),
        (1_536, 1_536),
        (17_920, 1_536),
        (1_536, 8_960),
        (6_144, 1_536),
        (1_536, 6_144),
        (2_560, 2_048),
        (2_048, 2_048),
        (22_016, 2_048),
        (2_048, 11_008),
        (8_192, 2_048),
        (2_048, 8_192),
    ];

    #[test]
    fn few_threads_are_idle_in_the_released_sizes() {
        for (outputs, cols) in RELEASED {
            let (sizes, idle) = sizes(outputs, cols);
            assert!(idle <= 0.125, "{outputs} x {cols}: {idle:.3} idle with {sizes:?}");
        }
    }

    #[test]
    fn small_matrices_are_spread_over_more_workgroups() {
        for (outputs, cols) in RELEASED {
            let groups = sizes(outputs, cols).0.groups(outputs) as usize;
            assert!(groups >= ENOUGH_GROUPS.min(outputs / 4), "{outputs} x {cols}: {groups}");
        }
    }

    #[test]
    fn threads_are_whole_eighths_and_never_more_than_measured() {
        for most in [8, 16, 32, 64, 120] {
            for cols in (32..=12_000).step_by(32) {
                let threads = busy_threads(cols, most);
                assert!(threads.is_multiple_of(STEP) && (STEP..=most).contains(&threads), "{cols} columns: {threads}");
            }
        }
    }

    #[test]
    fn software_adapters_keep_their_sizes() {
        let sizes = MatvecSizes::of(Tuning::SOFTWARE, 896, 896);
        assert_eq!(sizes, MatvecSizes { rows: Tuning::SOFTWARE.matvec_rows, threads: Tuning::SOFTWARE.matvec_threads });
    }
}
