//! Kernels and workgroup sizes per adapter: they change the speed, and only where [`MatmulKernel`] says so the result.

use std::fmt;
use std::str::FromStr;

/// The kernel for matmuls: many rows of activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatmulKernel {
    /// `matmul.wgsl`: tiles of 64 × 64 results in workgroup memory, 256 threads. For hardware GPUs.
    Tiled,
    /// The same with tiles in float16 and sums in float32, for all weights but float32; the others have [`Self::Tiled`]. For hardware GPUs
    /// with `shader-f16`. Operands are rounded to 11 bits.
    Half,
    /// The same with tiles as int8, multiplied by `dot4I8Packed`, for quantised weights; the others have [`Self::Tiled`]. For hardware GPUs.
    /// Activations are rounded to 8 bits with a scale per 32 columns (`quantise_rows.wgsl`).
    Int8,
    /// `matmul_coop.wgsl`: matrix units multiply float16 and add float32, for more than 64 rows and all weights but float32; the others have
    /// [`Self::Tiled`]. For native programs and adapters with [`crate::CooperativeMatrix`]. Operands are rounded to 11 bits.
    Cooperative,
    /// `matmul_wide.wgsl`: tiles of 128 × 128 results where a matmul is large enough, else [`Self::Tiled`]. For hardware GPUs with
    /// registers to spare.
    Wide,
    /// `matmul_block.wgsl`: 8 × 16 results in the registers of each of 8 threads, no barriers; `matmul_texels.wgsl`, the same from textures,
    /// for many rows and quantised weights; `matmul_strip.wgsl` for few. For software adapters.
    Block,
}

/// The kernel for matvecs: one row of activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatvecKernel {
    /// `matvec_staged.wgsl`: inputs staged in workgroup memory, weights loaded ahead of use. For hardware GPUs.
    Staged,
    /// `matvec_block.wgsl`: many matrix rows per loaded input. For software adapters.
    Block,
}

/// Partial sums of the block kernel that fit in 16 KiB of workgroup memory.
const MOST_ROW_LANES: u32 = 4096;

/// Sizes and kernels for one adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// The kernel for matmuls.
    pub matmul: MatmulKernel,
    /// The kernel for matvecs.
    pub matvec: MatvecKernel,
    /// Matrix rows per workgroup of a matvec if block, even and at most 32; if staged, the most rows per thread, 4 or 8.
    pub matvec_rows: u32,
    /// Threads per workgroup of a matvec, a multiple of 8; if staged, the most. [`crate::MatvecSizes`] has those of a matrix.
    pub matvec_threads: u32,
    /// Threads per workgroup of kernels with one row or frame per workgroup (norms, spectra); a multiple of 8.
    pub row_threads: u32,
}

impl Tuning {
    /// More threads of the staged kernel need more than 16 KiB of workgroup memory: 8 vec4 each.
    pub(crate) const MOST_STAGED_THREADS: u32 = 120;
    /// For hardware GPUs: many small workgroups hide memory latency.
    pub const HARDWARE: Self = Self {
        matmul: MatmulKernel::Tiled,
        matvec: MatvecKernel::Staged,
        matvec_rows: 8,
        matvec_threads: 64,
        row_threads: 64,
    };
    /// For software adapters: one SIMD vector of threads per workgroup, and as much reuse of loaded values as registers allow.
    pub const SOFTWARE: Self = Self {
        matmul: MatmulKernel::Block,
        matvec: MatvecKernel::Block,
        matvec_rows: 32,
        matvec_threads: 8,
        row_threads: 8,
    };

    /// The tuning in words: `matmul tiled; matvec staged, 8 rows by 64 threads; norms with 64 threads`.
    pub fn describe(&self) -> String {
        let Self { matmul, matvec, matvec_rows, matvec_threads, row_threads } = self;
        format!(
            "matmul {matmul}; matvec {matvec}, {matvec_rows} rows by {matvec_threads} threads; norms with {row_threads} threads"
        )
    }

    /// Whether the kernels exist in these sizes.
    fn is_valid(&self) -> bool {
        let threads = |count: u32, most: u32| count.is_multiple_of(8) && (8..=most).contains(&count);
        let Self { matvec_rows: rows, matvec_threads, .. } = *self;
        let matvec = match self.matvec {
            MatvecKernel::Staged => [4, 8].contains(&rows) && threads(matvec_threads, Self::MOST_STAGED_THREADS),
            MatvecKernel::Block => {
                let even = rows.is_multiple_of(2) && (2..=32).contains(&rows);
                even && threads(matvec_threads, 256) && rows * matvec_threads <= MOST_ROW_LANES
            }
        };
        matvec && threads(self.row_threads, 256)
    }

    /// The default of an adapter; [`crate::Gpu::measure_tuning`] finds the fastest.
    pub(crate) fn default_for(software: bool) -> Self {
        if software { Self::SOFTWARE } else { Self::HARDWARE }
    }

    /// Threads per workgroup of `attention_split`, and how many of them share a key. Many threads hide memory latency on hardware; a
    /// software adapter runs them one SIMD vector after another, up to every barrier.
    pub(crate) fn key_threads(self) -> (u32, u32) {
        match self.matvec {
            MatvecKernel::Staged => (256, 4),
            MatvecKernel::Block => (self.row_threads.min(64), 1),
        }
    }

    pub(crate) fn row_threads(self) -> (&'static str, f64) {
        ("THREADS", f64::from(self.row_threads))
    }
}

impl fmt::Display for MatmulKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tiled => "tiled",
            Self::Half => "half",
            Self::Int8 => "int8",
            Self::Cooperative => "cooperative",
            Self::Wide => "wide",
            Self::Block => "block",
        })
    }
}

impl fmt::Display for MatvecKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Staged => "staged",
            Self::Block => "block",
        })
    }
}

/// Matmul kernel; matvec kernel, rows and threads; row threads: `tiled staged 8 64 64`.
impl fmt::Display for Tuning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { matmul, matvec, matvec_rows, matvec_threads, row_threads } = self;
        write!(f, "{matmul} {matvec} {matvec_rows} {matvec_threads} {row_threads}")
    }
}

/// A text that is no [`Tuning`], or one with sizes that the kernels do not exist in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no tuning; write one like 'tiled staged 8 64 64'")]
pub struct InvalidTuning(pub(crate) String);

impl FromStr for Tuning {
    type Err = InvalidTuning;

    fn from_str(text: &str) -> Result<Self, InvalidTuning> {
        let wrong = || InvalidTuning(text.into());
        let words: Vec<&str> = text.split(' ').collect();
        let [matmul, matvec, rows, threads, row_threads] = words[..] else { return Err(wrong()) };
        let matmul = match matmul {
            "tiled" => MatmulKernel::Tiled,
            "half" => MatmulKernel::Half,
            "int8" => MatmulKernel::Int8,
            "cooperative" => MatmulKernel::Cooperative,
            "wide" => MatmulKernel::Wide,
            "block" => MatmulKernel::Block,
            _ => return Err(wrong()),
        };
        let matvec = match matvec {
            "staged" => MatvecKernel::Staged,
            "block" => MatvecKernel::Block,
            _ => return Err(wrong()),
        };
        let number = |word: &str| word.parse().map_err(|_| wrong());
        let tuning = Self {
            matmul,
            matvec,
            matvec_rows: number(rows)?,
            matvec_threads: number(threads)?,
            row_threads: number(row_threads)?,
        };
        if tuning.is_valid() { Ok(tuning) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let others = [MatmulKernel::Wide, MatmulKernel::Half, MatmulKernel::Int8, MatmulKernel::Cooperative]
            .map(|matmul| Tuning { matmul, ..Tuning::HARDWARE });
        for tuning in [Tuning::HARDWARE, Tuning::SOFTWARE].into_iter().chain(others) {
            assert_eq!(tuning.to_string().parse(), Ok(tuning));
        }
    }

    #[test]
    fn other_texts_are_refused() {
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
            assert_eq!(text.parse::<Tuning>(), Err(InvalidTuning(text.into())));
        }
    }
}
