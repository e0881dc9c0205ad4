//! How a matmul with tiles in workgroup memory is divided.
//!
//! A tile has as many rows as waste least: with 64 rows per tile a prompt of 40 tokens would leave 24 of them empty. Every tile loads and
//! unpacks its part of W, which costs as much as some rows of results, so few high tiles go before many flat ones. Where the tiles are
//! too few for the multiprocessors, the columns are split, and a second dispatch adds up the parts.

use super::{DeviceProfile, MatrixShape};

/// Threads along the columns.
const SIDE_N: u32 = 16;
/// Threads along the rows and rows per thread, of all tiles there are: 10, 12, 16, 20, 24, 32, 40, 48 and 64 rows.
const HEIGHTS: [(u32, u32); 9] = [(2, 5), (2, 6), (4, 4), (4, 5), (4, 6), (8, 4), (8, 5), (8, 6), (16, 4)];
/// Rows of results that cost as much as loading a tile's part of W.
const LOADING: usize = 8;
/// Most rows of a matmul whose columns are split. With more, the sums that parts leave in memory outweigh the weights.
const MOST_SPLIT_ROWS: usize = 64;
/// Fewest columns of a part.
const PART_COLUMNS: usize = 256;
/// Most parts of the columns.
const MOST_PARTS: usize = 8;

/// Sizes of a matmul with tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileSizes {
    /// Threads along the rows.
    pub side: u32,
    /// Rows per thread.
    pub per_thread: u32,
    /// Parts of the columns.
    pub parts: usize,
}

impl TileSizes {
    /// Columns of results per tile.
    pub(super) const ACROSS: usize = 64;
    /// Columns of the matrices that a tile takes per turn, but as int8.
    pub(super) const TURN: usize = 16;
    /// As int8. Parts of the columns are whole turns of either.
    const INT8_TURN: usize = 64;

    /// The best sizes for so many rows of activations.
    pub fn choose(rows: usize, shape: MatrixShape, profile: &DeviceProfile) -> Self {
        let cost = |(side, per_thread): (u32, u32)| {
            let height = (side * per_thread) as usize;
            (rows.div_ceil(height) * (height + LOADING), usize::MAX - height)
        };
        let (side, per_thread) = HEIGHTS.into_iter().min_by_key(|height| cost(*height)).unwrap_or((16, 4));
        let whole = Self { side, per_thread, parts: 1 };
        if rows > MOST_SPLIT_ROWS {
            return whole;
        }
        let wanted = (2 * profile.multiprocessors as usize).div_ceil(whole.tiles(rows, shape.rows));
        let parts = wanted.clamp(1, MOST_PARTS).min((shape.cols / PART_COLUMNS).max(1));
        // As many as are not empty.
        let part_columns = Self { parts, ..whole }.part_columns(shape.cols);
        Self { parts: shape.cols.div_ceil(part_columns.max(1)).max(1), ..whole }
    }

    /// Rows of results per tile.
    pub fn height(&self) -> usize {
        (self.side * self.per_thread) as usize
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        SIDE_N * self.side
    }

    /// Tiles of a matmul with so many rows and outputs.
    fn tiles(&self, rows: usize, outputs: usize) -> usize {
        rows.div_ceil(self.height()) * outputs.div_ceil(Self::ACROSS)
    }

    /// Workgroups.
    pub fn groups(&self, rows: usize, outputs: usize) -> usize {
        self.tiles(rows, outputs) * self.parts
    }

    /// Columns of every part but the last.
    pub(crate) fn part_columns(&self, cols: usize) -> usize {
        cols.div_ceil(Self::INT8_TURN).div_ceil(self.parts) * Self::INT8_TURN
    }

    /// Share of the results that is computed for nothing.
    pub fn wasted(&self, rows: usize, outputs: usize) -> f64 {
        let computed = self.tiles(rows, outputs) * self.height() * Self::ACROSS;
        1.0 - (rows * outputs) as f64 / computed as f64
    }
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::*;

    fn shape(rows: usize, cols: usize) -> MatrixShape {
        MatrixShape { rows, cols, scheme: Scheme::Q4, paired: false }
    }

    #[test]
    fn less_than_a_quarter_of_9_to_63_rows_is_wasted() {
        for rows in 9..=63 {
            let sizes = TileSizes::choose(rows, shape(2_048, 2_048), &DeviceProfile::H100);
            let computed = rows.div_ceil(sizes.height()) * sizes.height();
            assert!(4 * (computed - rows) < computed, "{rows} of {computed} rows");
            assert!(rows.div_ceil(sizes.height()) == 1, "{rows} rows load the weights once: {sizes:?}");
            assert!(sizes.threads().is_multiple_of(32) && sizes.threads() <= 256);
        }
    }

    #[test]
    fn many_rows_keep_the_tiles_of_64() {
        for rows in [64, 128, 256, 1_024, 4_096, 16_384] {
            let sizes = TileSizes::choose(rows, shape(1_024, 1_024), &DeviceProfile::H100);
            assert_eq!((sizes.height(), sizes.threads()), (64, 256), "{rows} rows");
        }
    }

    /// A prompt of 40 tokens on every released size: before, each of these had `outputs / 64` workgroups.
    #[test]
    fn prompts_of_40_tokens_fill_every_profile() {
        for profile in DeviceProfile::ALL {
            for (outputs, cols) in [(2_048, 2_048), (2_048, 11_008), (2_048, 8_192), (1_536, 8_960), (896, 4_864)] {
                let sizes = TileSizes::choose(40, shape(outputs, cols), &profile);
                let groups = sizes.groups(40, outputs);
                assert_eq!(sizes.wasted(40, outputs), 0.0);
                let before = outputs / 64;
                assert!(groups >= before && groups as u32 >= (2 * profile.multiprocessors).min(8 * before as u32));
            }
        }
    }

    #[test]
    fn every_part_has_columns() {
        for cols in (4..=11_008).step_by(4) {
            for rows in [9, 40, 64, 65] {
                let sizes = TileSizes::choose(rows, shape(896, cols), &DeviceProfile::H100);
                assert!(sizes.part_columns(cols) * (sizes.parts - 1) < cols, "{cols}: {sizes:?}");
                assert!(sizes.parts == 1 || (rows <= 64 && cols >= 512), "{cols}: {sizes:?}");
            }
        }
    }
}
