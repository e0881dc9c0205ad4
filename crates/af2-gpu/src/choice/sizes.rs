//! How the work of a matvec is divided, and for which matrices the kernel can do so.

use std::fmt;

use af2_core::weights::Scheme;

/// Columns of a block: what a thread multiplies at a time.
pub(super) const COLUMNS: usize = 32;
/// Blocks that a thread holds: its rows times its steps ahead.
pub(super) const HELD: u32 = 8;

/// What a choice depends on: a weight matrix as one dispatch reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MatrixShape {
    /// Rows N: outputs.
    pub rows: usize,
    /// Columns K: inputs.
    pub cols: usize,
    /// How its elements are stored.
    pub scheme: Scheme,
    /// Whether results are made of two rows each (gate and up; halves of rotated heads): workgroups have an even number.
    pub paired: bool,
}

impl MatrixShape {
    /// Bytes of packed values and scales.
    pub fn bytes(&self) -> u64 {
        self.scheme.data_bytes(self.rows, self.cols) + self.scheme.scale_bytes(self.rows, self.cols)
    }
}

/// `9728x896 q4 paired`.
impl fmt::Display for MatrixShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} {}{}", self.rows, self.cols, self.scheme, if self.paired { " paired" } else { "" })
    }
}

/// How the work of a matvec is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatvecSizes {
    /// Matrix rows per workgroup.
    pub rows: u32,
    /// Threads per workgroup.
    pub threads: u32,
    /// Threads that share a row.
    pub slices: u32,
    /// Blocks of a row that a thread loads at once.
    pub ahead: u32,
    /// Parts of the columns, of different workgroups; with more than one, a second dispatch adds them up.
    pub parts: u32,
}

/// `8 rows by 64 threads, 16 per row, 2 ahead, 3 parts`.
impl fmt::Display for MatvecSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, threads, slices, ahead, parts } = self;
        write!(f, "{rows} rows by {threads} threads, {slices} per row, {ahead} ahead")?;
        if *parts > 1 { write!(f, ", {parts} parts") } else { Ok(()) }
    }
}

impl MatvecSizes {
    /// Whether the staged kernel exists in these sizes and can be used for a matrix.
    pub(crate) fn fit(&self, shape: MatrixShape) -> bool {
        let Self { rows, threads, slices, ahead, parts } = *self;
        let divides = |part: u32, whole: u32| part > 0 && whole.is_multiple_of(part);
        let exists = divides(8, threads) && divides(slices, threads) && divides(threads, rows * slices);
        if !exists || parts == 0 || shape.cols < COLUMNS {
            return false;
        }
        let per = rows * slices / threads;
        let held = per.is_power_of_two() && ahead.is_power_of_two() && per * ahead <= HELD && per <= slices;
        let staged = divides(ahead * slices, threads);
        let even = !shape.paired || rows.is_multiple_of(2);
        let steps = (shape.cols / COLUMNS).div_ceil(slices as usize);
        let eighths = slices.is_power_of_two() || divides(8, slices);
        // Every part has a step, the last one too.
        held && staged && even && eighths && steps.div_ceil(steps.div_ceil(parts as usize)) == parts as usize
    }

    /// Matrix rows of one thread.
    pub(crate) fn per_thread(&self) -> u32 {
        self.rows * self.slices / self.threads
    }

    /// Blocks of 32 columns per part of a matrix with so many columns.
    pub(crate) fn part_blocks(&self, cols: usize) -> usize {
        (cols / COLUMNS).div_ceil(self.slices as usize).div_ceil(self.parts as usize) * self.slices as usize
    }

    /// Workgroups for so many rows of a matrix.
    pub(crate) fn groups(&self, matrix_rows: usize) -> u32 {
        (matrix_rows as u32).div_ceil(self.rows) * self.parts
    }
}
