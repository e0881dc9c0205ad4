//! What a dispatch puts to work on a GPU of a given profile: counted, not measured.

use super::sizes::COLUMNS;
use super::{DeviceProfile, MatrixShape, MatvecSizes, TileSizes};

/// Counts of a dispatch that reads a weight matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Share of the threads' steps in which a thread of a subgroup has no weights of its own to multiply: past the last column or row, or
    /// beyond the workgroup's threads.
    pub idle: f64,
    /// Workgroups.
    pub workgroups: u32,
    /// Workgroups over multiprocessors.
    pub per_multiprocessor: f64,
    /// Bytes of weights that the threads on one multiprocessor have asked for before they use the first, if registers allow its full
    /// number of threads.
    pub in_flight: u64,
}

impl Counts {
    /// Of a matmul with so many rows of activations. A thread is idle while it computes rows or columns that there are not.
    pub fn of_tiles(rows: usize, shape: MatrixShape, sizes: TileSizes, profile: &DeviceProfile) -> Self {
        let workgroups = sizes.groups(rows, shape.rows) as u32;
        let per_multiprocessor = f64::from(workgroups) / f64::from(profile.multiprocessors);
        let resident = per_multiprocessor.min(f64::from(profile.resident_threads / sizes.threads()));
        let in_flight = (resident * shape.scheme.data_bytes(TileSizes::ACROSS, TileSizes::TURN) as f64) as u64;
        Self { idle: sizes.wasted(rows, shape.rows), workgroups, per_multiprocessor, in_flight }
    }

    /// Of a matvec.
    pub fn of_matvec(shape: MatrixShape, sizes: MatvecSizes, profile: &DeviceProfile) -> Self {
        let MatvecSizes { rows, threads, slices, ahead, parts } = sizes;
        let blocks = shape.cols.div_ceil(COLUMNS);
        let steps = blocks.div_ceil(slices as usize);
        let groups = (shape.rows as u32).div_ceil(rows);
        // A thread takes one row per step in each of its `rows · slices / threads` rows.
        let useful = (shape.rows * blocks) as f64;
        let lanes = f64::from(threads.next_multiple_of(profile.subgroup)) / f64::from(threads);
        let spent = f64::from(groups) * f64::from(rows * slices) * steps as f64 * lanes;
        let workgroups = groups * parts;
        let per_multiprocessor = f64::from(workgroups) / f64::from(profile.multiprocessors);
        let resident = per_multiprocessor.min(f64::from(profile.resident_threads / threads));
        // What lies past the columns of a part is the last block again, from a cache.
        let asked = (slices * ahead).min(blocks.div_ceil(parts as usize) as u32);
        let row_bytes = shape.scheme.data_bytes(1, COLUMNS * asked as usize);
        let in_flight = (resident * f64::from(rows) * row_bytes as f64) as u64;
        Self { idle: 1.0 - useful / spent, workgroups, per_multiprocessor, in_flight }
    }
}
