//! The rules of the choice.

use std::cmp::Reverse;

use super::sizes::{COLUMNS, HELD};
use super::{Counts, DeviceProfile, MatrixShape, MatvecSizes};
use crate::{MatvecKernel, Tuning};

/// Workgroups that every multiprocessor should have.
const ENOUGH_GROUPS: u32 = 2;
/// Threads without work, of all, that are too many.
const IDLE: f64 = 0.1;
/// Matrices of so many bytes may be read in parts.
pub(super) const LARGE: u64 = 1_000_000;
/// A run of neighbouring bytes that one row gives the threads at once: two sectors of a cache line.
const SHORTEST_RUN: u64 = 64;
/// Most parts of the columns.
const MOST_PARTS: u32 = 8;

impl MatvecSizes {
    /// The best sizes by the rules above.
    pub fn choose(shape: MatrixShape, tuning: Tuning, profile: &DeviceProfile) -> Self {
        let Tuning { matvec, matvec_rows: rows, matvec_threads: threads, .. } = tuning;
        if matvec == MatvecKernel::Block {
            return Self { rows, threads, slices: threads, ahead: 1, parts: 1 };
        }
        let whole = Self { rows, threads, slices: threads, ahead: 1, parts: 1 };
        Self::candidates(shape, tuning).max_by_key(|sizes| Rank::of(shape, *sizes, profile)).unwrap_or(whole)
    }

    /// All sizes of the staged kernel that fit a matrix, with at most the rows per thread and the threads of the tuning.
    fn candidates(shape: MatrixShape, tuning: Tuning) -> impl Iterator<Item = Self> {
        let most = tuning.matvec_threads;
        let powers = |from: u32, to: u32| (0..8).map(|power| 1_u32 << power).filter(move |n| (from..=to).contains(n));
        let threads = powers(32.min(most), most).chain((!most.is_power_of_two()).then_some(most));
        let parts = if shape.bytes() < LARGE { 1 } else { MOST_PARTS };
        let run = shape.scheme.data_bytes(1, COLUMNS);
        threads
            .flat_map(move |threads| powers(1, threads).map(move |slices| (threads, slices)))
            .filter(move |(threads, slices)| {
                threads.is_multiple_of(*slices) && (u64::from(*slices) * run >= SHORTEST_RUN || slices == threads)
            })
            .flat_map(move |sizes| powers(1, tuning.matvec_rows).map(move |per| (sizes, per)))
            .flat_map(move |(sizes, per)| powers(1, HELD / per).map(move |ahead| (sizes, per, ahead)))
            .flat_map(move |(sizes, per, ahead)| (1..=parts).map(move |parts| (sizes, per, ahead, parts)))
            .map(|((threads, slices), per, ahead, parts)| Self {
                rows: per * threads / slices,
                threads,
                slices,
                ahead,
                parts,
            })
            .filter(move |sizes| sizes.fit(shape))
    }
}

/// The rules of a choice, the most important first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    spread_and_busy: bool,
    /// Workgroups, up to what is enough.
    spread: u32,
    fewest_parts: Reverse<u32>,
    in_flight: u64,
    /// In tenths.
    least_idle: Reverse<u32>,
    rows_per_thread: u32,
    threads: u32,
    slices: u32,
}

impl Rank {
    fn of(shape: MatrixShape, sizes: MatvecSizes, profile: &DeviceProfile) -> Self {
        let counts = Counts::of_matvec(shape, sizes, profile);
        let enough = ENOUGH_GROUPS * profile.multiprocessors;
        let busy = counts.idle < IDLE;
        Self {
            spread_and_busy: counts.workgroups >= enough && busy,
            spread: counts.workgroups.min(enough),
            fewest_parts: Reverse(sizes.parts),
            in_flight: counts.in_flight.min(profile.needed_in_flight()),
            least_idle: Reverse((10.0 * counts.idle) as u32),
            rows_per_thread: sizes.per_thread(),
            threads: sizes.threads,
            slices: sizes.slices,
        }
    }
}
