//! Norms of rows, as [`crate::layers`] has them: NaN where a row has a number that is not finite.

use crate::packed::{Instructions, Lanes, Work};

/// Numbers that are added side by side.
const LANES: usize = 16;

/// x / sqrt(mean(x²) + eps) · weight.
pub(crate) struct RmsNorm {
    pub weight: Vec<f32>,
    pub eps: f32,
}

impl RmsNorm {
    /// [rows, H] to [rows, H].
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        for row in y.chunks_exact_mut(self.weight.len()) {
            Instructions::found().run(Normed { row, weight: &self.weight, bias: None, eps: self.eps });
        }
        y
    }
}

/// (x − mean) / sqrt(variance + eps) · weight + bias.
pub(crate) struct LayerNorm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub eps: f32,
}

impl LayerNorm {
    /// [rows, H] to [rows, H].
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        y.chunks_exact_mut(self.weight.len()).for_each(|row| self.norm(row));
        y
    }

    /// Norms a row, \[H\], in place.
    pub fn norm(&self, row: &mut [f32]) {
        Instructions::found().run(Normed { row, weight: &self.weight, bias: Some(&self.bias), eps: self.eps });
    }
}

/// A row that is normed in place; without a bias the mean stays.
struct Normed<'a> {
    row: &'a mut [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    eps: f32,
}

impl Work for Normed<'_> {
    type Output = ();

    #[inline(always)]
    fn with<L: Lanes>(self, _: L) {
        let count = self.row.len() as f32;
        if self.bias.is_some() {
            let mean = sum(self.row, |x| x) / count;
            self.row.iter_mut().for_each(|x| *x -= mean);
        }
        let mean_square = sum(self.row, |x| x * x) / count;
        let lost = mean_square * 0.0; // NaN if it is not finite, else 0
        let factor = 1.0 / (mean_square + self.eps).sqrt() + lost;
        self.row.iter_mut().zip(self.weight).for_each(|(x, weight)| *x = *x * factor * weight);
        if let Some(bias) = self.bias {
            self.row.iter_mut().zip(bias).for_each(|(x, bias)| *x += bias);
        }
    }
}

#[inline(always)]
fn sum(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in whole {
        for lane in 0..LANES {
            sums[lane] += of(chunk[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| of(*x)).sum::<f32>()
}
