//! The kernels in use on a device: its tuning, and what was measured for single matrices.

use std::fmt;
use std::str::FromStr;

use crate::{InvalidTuning, MatrixShape, MatvecKernel, MatvecSizes, Tuning};

/// Between the tuning and the matrices of a text.
const SEPARATOR: &str = "; ";
/// Most matrices of a text.
const MOST_MATRICES: usize = 4096;

/// A tuning with the sizes of the matrices that were measured; all others follow from the rules of [`MatvecSizes::choose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernels {
    /// For everything.
    pub tuning: Tuning,
    /// Measured sizes. They count for the staged kernel only.
    matvecs: Vec<(MatrixShape, MatvecSizes)>,
}

impl From<Tuning> for Kernels {
    /// Nothing was measured for single matrices.
    fn from(tuning: Tuning) -> Self {
        Self { tuning, matvecs: Vec::new() }
    }
}

impl Kernels {
    /// The measured sizes of a matrix.
    pub fn measured(&self, shape: MatrixShape) -> Option<MatvecSizes> {
        self.matvecs.iter().find(|(other, _)| *other == shape).map(|(_, sizes)| *sizes)
    }

    /// Whether nothing is left to measure for these matrices.
    pub fn covers(&self, shapes: &[MatrixShape]) -> bool {
        self.tuning.matvec == MatvecKernel::Block || shapes.iter().all(|shape| self.measured(*shape).is_some())
    }

    /// All measured matrices.
    pub fn matvecs(&self) -> &[(MatrixShape, MatvecSizes)] {
        &self.matvecs
    }

    /// Adds the measured sizes of a matrix, in place of older ones.
    pub fn set(&mut self, shape: MatrixShape, sizes: MatvecSizes) {
        self.matvecs.retain(|(other, _)| *other != shape);
        self.matvecs.push((shape, sizes));
    }
}

/// The tuning, then matrices with rows, threads, threads per row, blocks ahead and parts:
/// `tiled staged 8 64 64; 9728x896 q4 paired: 32 64 4 4 1`.
impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.tuning)?;
        self.matvecs.iter().try_for_each(|(shape, sizes)| {
            let MatvecSizes { rows, threads, slices, ahead, parts } = sizes;
            write!(f, "{SEPARATOR}{shape}: {rows} {threads} {slices} {ahead} {parts}")
        })
    }
}

impl FromStr for Kernels {
    type Err = InvalidTuning;

    fn from_str(text: &str) -> Result<Self, InvalidTuning> {
        let mut words = text.split(SEPARATOR);
        let mut kernels = Self::from(words.next().unwrap_or_default().parse::<Tuning>()?);
        for entry in words.take(MOST_MATRICES) {
            let (shape, sizes) = matrix(entry).ok_or_else(|| InvalidTuning(entry.into()))?;
            kernels.set(shape, sizes);
        }
        Ok(kernels)
    }
}

/// `9728x896 q4 paired: 32 64 4 4 1`, if the kernel exists in these sizes.
fn matrix(text: &str) -> Option<(MatrixShape, MatvecSizes)> {
    let (shape, sizes) = text.split_once(": ")?;
    let words: Vec<&str> = shape.split(' ').collect();
    let (size, scheme, paired) = match words[..] {
        [size, scheme] => (size, scheme, false),
        [size, scheme, "paired"] => (size, scheme, true),
        _ => return None,
    };
    let (rows, cols) = size.split_once('x')?;
    let shape =
        MatrixShape { rows: rows.parse().ok()?, cols: cols.parse().ok()?, scheme: scheme.parse().ok()?, paired };
    let numbers = sizes.split(' ').map(str::parse).collect::<Result<Vec<u32>, _>>().ok()?;
    let [rows, threads, slices, ahead, parts] = numbers[..] else { return None };
    let small = numbers.iter().all(|number| *number <= 1024);
    let sizes = MatvecSizes { rows, threads, slices, ahead, parts };
    (small && threads <= Tuning::MOST_STAGED_THREADS && sizes.fit(shape)).then_some((shape, sizes))
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;

    use super::*;

    #[test]
    fn text_and_back() {
        let shape = |paired| MatrixShape { rows: 9_728, cols: 896, scheme: Scheme::Q4, paired };
        let mut kernels = Kernels::from(Tuning::HARDWARE);
        assert_eq!("tiled staged 8 64 64".parse(), Ok(kernels.clone()), "as before matrices were measured");
        kernels.set(shape(true), MatvecSizes { rows: 32, threads: 64, slices: 4, ahead: 4, parts: 1 });
        kernels.set(shape(false), MatvecSizes { rows: 8, threads: 32, slices: 16, ahead: 1, parts: 2 });
        kernels.set(shape(false), MatvecSizes { rows: 4, threads: 32, slices: 32, ahead: 1, parts: 1 });
        let text = kernels.to_string();
        assert_eq!(
            text, "tiled staged 8 64 64; 9728x896 q4 paired: 32 64 4 4 1; 9728x896 q4: 4 32 32 1 1",
            "one entry per matrix"
        );
        assert_eq!(text.parse(), Ok(kernels.clone()));
        assert!(kernels.covers(&[shape(true), shape(false)]));
        assert!(!kernels.covers(&[MatrixShape { rows: 1, ..shape(true) }]));
        assert_eq!(kernels.measured(shape(false)).map(|sizes| sizes.rows), Some(4));
    }

    #[test]
    fn sizes_that_no_kernel_has_are_refused() {
        for entry in [
            "9728x896 q4",
            "9728 q4: 8 64 64 1 1",
            "9728x896 q5: 8 64 64 1 1",
            "9728x896 q4 odd: 8 64 64 1 1",
            "9728x896 q4: 8 64 64 1",
            "9728x896 q4: 8 64 64 1 0",
            "9728x896 q4: 8 60 60 1 1",
            "9728x896 q4: 8 128 128 1 1",
            "9728x896 q4: 8 64 0 1 1",
            "9728x896 q4: 0 64 64 1 1",
            "9728x896 q4: 8 64 64 2 1",
            "9728x896 q4: 3 64 64 1 1",
            "9728x896 q4: 8 64 64 1 2",
            "9728x896 q4: 4294967295 4294967288 4294967288 4294967295 1",
            "9728x896 q4 paired: 1 64 64 1 1",
        ] {
            let text = format!("tiled staged 8 64 64; {entry}");
            assert_eq!(text.parse::<Kernels>(), Err(InvalidTuning(entry.into())), "{entry}");
        }
    }
}
