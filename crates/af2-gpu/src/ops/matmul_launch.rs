//! Which kernel multiplies a matrix of activations with a weight matrix, and in how many workgroups.

use af2_core::weights::Scheme;

use super::for_scheme;
use super::matmul_operands::lanes;
use crate::shader::{Shader, linear};
use crate::{CooperativeMatrix, Gpu, MatmulKernel, Matrix, MatrixPart, TileSizes};

/// Columns, and most rows, per workgroup of the tiled kernel.
const TILE: usize = 64;
/// A row of a tile in workgroup memory, in vec4.
const PITCH: usize = 5;
/// Rows and columns per workgroup of the wide kernel.
const WIDE: usize = 128;
/// Fewer workgroups of the wide kernel would leave some of a GPU's cores idle: the tiled kernel is used instead.
const WIDE_GROUPS: usize = 64;
/// Most rows, and outputs per workgroup, of the kernel for few rows; its columns come in blocks.
const FEW: usize = 8;
const FEW_OUTPUTS: usize = 16;
const FEW_COLUMNS: usize = 32;
/// Rows and columns per thread of the block kernel.
const BLOCK: [usize; 2] = [8, 16];
/// Rows and columns per thread of the strip kernel, and the most rows it is for where the kernel that reads texels does not serve: with more,
/// the block kernel is as fast on 8-bit weights.
const STRIP: [usize; 2] = [4, 128];
const STRIP_MOST_ROWS: usize = 63;
/// Workgroups of the strip kernel are as wide as leaves at least so many of them.
const STRIP_GROUPS: usize = 8;

/// With more rows matrix units serve: up to here the tiled kernel sums the columns in parts.
const MOST_TILE_ROWS: usize = 64;

/// How activations are rounded before a matmul.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// To int8, by `quantise_rows`.
    Int8,
    /// To float16, by `half_rows`.
    Half,
}

impl Rounding {
    /// `None` where the kernel that [`Launch::choose`] finds takes them in float32.
    pub fn of(gpu: &Gpu, scheme: Scheme, rows: usize) -> Option<Self> {
        match gpu.tuning().matmul {
            MatmulKernel::Int8 if scheme.is_quantized() && rows > FEW => Some(Self::Int8),
            MatmulKernel::Cooperative => {
                Launch::cooperative(gpu.info().cooperative_matrix?, scheme, rows, 1).map(|_| Self::Half)
            }
            _ => None,
        }
    }
}

/// A kernel and its workgroups for [rows, K] times [outputs, K].
pub(super) struct Launch {
    pub shader: &'static Shader,
    pub constants: Vec<(&'static str, f64)>,
    /// Threads side by side along the outputs; kernels for software adapters only.
    pub lanes_n: usize,
    pub groups: usize,
}

impl Launch {
    /// The launch for a part of W, and in how many parts its columns are summed.
    pub fn choose(gpu: &Gpu, w: &Matrix, part: &MatrixPart, rows: usize, sizes: TileSizes) -> (Self, usize) {
        let (kernel, scheme, outputs) = (gpu.tuning().matmul, w.scheme, part.rows);
        let launch = match kernel {
            MatmulKernel::Tiled | MatmulKernel::Half | MatmulKernel::Int8 => Self::few(scheme, rows, outputs, w.cols),
            MatmulKernel::Cooperative => Self::few(scheme, rows, outputs, w.cols)
                .or_else(|| Self::cooperative(gpu.info().cooperative_matrix?, scheme, rows, outputs)),
            MatmulKernel::Wide => {
                Self::few(scheme, rows, outputs, w.cols).or_else(|| Self::wide(scheme, rows, outputs))
            }
            MatmulKernel::Block => {
                Self::strip(scheme, rows, outputs).or_else(|| Some(Self::block(scheme, rows, outputs)))
            }
        };
        let tiled = || (Self::tiled(kernel, scheme, rows, outputs, sizes), sizes.parts);
        launch.map_or_else(tiled, |launch| (launch, 1))
    }

    /// The tiled kernel with tiles as [`MatmulKernel::Half`] or [`MatmulKernel::Int8`] has them for these weights, else in float32.
    fn tiled(kernel: MatmulKernel, scheme: Scheme, rows: usize, outputs: usize, sizes: TileSizes) -> Self {
        let kernels = match kernel {
            MatmulKernel::Half => {
                [&linear::MATMUL_F32, &linear::MATMUL_HALF_F16, &linear::MATMUL_HALF_Q8, &linear::MATMUL_HALF_Q4]
            }
            MatmulKernel::Int8 => {
                [&linear::MATMUL_F32, &linear::MATMUL_F16, &linear::MATMUL_INT8_Q8, &linear::MATMUL_INT8_Q4]
            }
            _ => [&linear::MATMUL_F32, &linear::MATMUL_F16, &linear::MATMUL_Q8, &linear::MATMUL_Q4],
        };
        let mut constants = vec![
            ("SIDE_M", f64::from(sizes.side)),
            ("PER_M", f64::from(sizes.per_thread)),
            ("THREADS", f64::from(sizes.threads())),
            ("X_TILE", (sizes.height() * PITCH) as f64),
        ];
        if sizes.parts > 1 {
            constants.push(("PART", 1.0));
        }
        Self { shader: for_scheme(scheme, kernels), constants, lanes_n: 0, groups: sizes.groups(rows, outputs) }
    }

    /// `None` for few rows, for which its tiles are too high, or weights in float32, and in browsers.
    fn cooperative(units: CooperativeMatrix, scheme: Scheme, rows: usize, outputs: usize) -> Option<Self> {
        if cfg!(target_family = "wasm") || rows <= MOST_TILE_ROWS {
            return None;
        }
        let shader = match (scheme, units.size) {
            (Scheme::F16, 16) => &linear::MATMUL_COOP_16_F16,
            (Scheme::Q8, 16) => &linear::MATMUL_COOP_16_Q8,
            (Scheme::Q4, 16) => &linear::MATMUL_COOP_16_Q4,
            (Scheme::F16, _) => &linear::MATMUL_COOP_8_F16,
            (Scheme::Q8, _) => &linear::MATMUL_COOP_8_Q8,
            (Scheme::Q4, _) => &linear::MATMUL_COOP_8_Q4,
            (Scheme::F32, _) => return None,
        };
        let tile = 4 * units.size as usize;
        let constants = vec![("THREADS", f64::from(4 * units.subgroup))];
        Some(Self { shader, constants, lanes_n: 0, groups: rows.div_ceil(tile) * outputs.div_ceil(tile) })
    }

    /// `None` for a matmul of more than 8 rows, or whose columns are no whole number of blocks.
    fn few(scheme: Scheme, rows: usize, outputs: usize, cols: usize) -> Option<Self> {
        let kernels =
            [&linear::MATMUL_FEW_F32, &linear::MATMUL_FEW_F16, &linear::MATMUL_FEW_Q8, &linear::MATMUL_FEW_Q4];
        let groups = outputs.div_ceil(FEW_OUTPUTS);
        let fits = rows <= FEW && cols.is_multiple_of(FEW_COLUMNS);
        fits.then(|| Self { shader: for_scheme(scheme, kernels), constants: Vec::new(), lanes_n: 0, groups })
    }

    /// `None` for a matmul that would leave cores idle or waste more than a quarter of the work at the edges.
    pub fn wide(scheme: Scheme, rows: usize, outputs: usize) -> Option<Self> {
        let kernels =
            [&linear::MATMUL_WIDE_F32, &linear::MATMUL_WIDE_F16, &linear::MATMUL_WIDE_Q8, &linear::MATMUL_WIDE_Q4];
        let computed = |tile: usize| rows.next_multiple_of(tile) * outputs.next_multiple_of(tile);
        let groups = rows.div_ceil(WIDE) * outputs.div_ceil(WIDE);
        (groups >= WIDE_GROUPS && 4 * computed(WIDE) <= 5 * computed(TILE)).then(|| Self {
            shader: for_scheme(scheme, kernels),
            constants: Vec::new(),
            lanes_n: 0,
            groups,
        })
    }

    /// The threads are arranged to waste as little as possible at the edges. Few rows need only half of what a thread has room for.
    fn block(scheme: Scheme, rows: usize, outputs: usize) -> Self {
        let kernels =
            [&linear::MATMUL_BLOCK_F32, &linear::MATMUL_BLOCK_F16, &linear::MATMUL_BLOCK_Q8, &linear::MATMUL_BLOCK_Q4];
        let (lanes_n, groups) = lanes(BLOCK, rows, outputs);
        let tall = f64::from(u8::from(2 * rows > BLOCK[0]));
        Self { shader: for_scheme(scheme, kernels), constants: vec![("TALL", tall)], lanes_n, groups }
    }

    /// `None` for many rows, or weights that are not quantised.
    fn strip(scheme: Scheme, rows: usize, outputs: usize) -> Option<Self> {
        let shader = match scheme {
            Scheme::Q8 if rows <= STRIP_MOST_ROWS => &linear::MATMUL_STRIP_Q8,
            Scheme::Q4 if rows <= STRIP_MOST_ROWS => &linear::MATMUL_STRIP_Q4,
            _ => return None,
        };
        let groups = |along_n: usize| rows.div_ceil(STRIP[0]) * outputs.div_ceil(STRIP[1] * along_n);
        let along_n = [4, 2].into_iter().find(|along_n| groups(*along_n) >= STRIP_GROUPS).unwrap_or(1);
        Some(Self { shader, constants: Vec::new(), lanes_n: along_n, groups: groups(along_n) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float32_weights_are_multiplied_in_float32() {
        let sizes = TileSizes { side: 16, per_thread: 4, parts: 1 };
        let name = |kernel, scheme| Launch::tiled(kernel, scheme, 64, 64, sizes).shader.name;
        assert_eq!(name(MatmulKernel::Half, Scheme::F32), "linear/matmul_f32");
        assert_eq!(name(MatmulKernel::Half, Scheme::Q8), "linear/matmul_half_q8");
        assert_eq!(name(MatmulKernel::Int8, Scheme::F32), "linear/matmul_f32");
        assert_eq!(name(MatmulKernel::Int8, Scheme::Q4), "linear/matmul_int8_q4");
    }

    #[test]
    fn wide_tiles_are_for_large_matmuls() {
        for (rows, outputs) in [(64, 65_536), (1024, 896), (1024, 65)] {
            assert!(Launch::wide(Scheme::Q8, rows, outputs).is_none(), "{rows} x {outputs}");
        }
        assert!(Launch::wide(Scheme::Q8, 1024, 1024).is_some());
    }

    /// Strips of four rows: of 9 to 63, at most a quarter is computed for nothing.
    #[test]
    fn few_rows_of_quantised_weights_go_in_strips() {
        for rows in 1..=63 {
            for scheme in [Scheme::Q8, Scheme::Q4] {
                let launch = Launch::strip(scheme, rows, 896).unwrap();
                let across = 896_usize.div_ceil(STRIP[1] * launch.lanes_n);
                let computed = launch.groups / across * STRIP[0];
                assert!(
                    computed >= rows && (rows < 9 || 4 * (computed - rows) <= computed),
                    "{rows} of {computed} rows"
                );
            }
            assert!(Launch::strip(Scheme::F16, rows, 896).is_none());
        }
        assert!(Launch::strip(Scheme::Q8, 64, 896).is_none());
    }
}
