//! Long runs of samples, in blocks of equal length: growing them copies nothing, so that a run never takes the memory of two.

/// Samples per block.
const BLOCK: usize = 1 << 16;

/// Samples in order.
#[derive(Default)]
pub(super) struct Blocks(Vec<Vec<f64>>);

impl Blocks {
    pub(super) fn len(&self) -> usize {
        let full = self.0.len().saturating_sub(1) * BLOCK;
        full + self.0.last().map_or(0, Vec::len)
    }

    pub(super) fn push(&mut self, sample: f64) {
        self.room().push(sample);
    }

    pub(super) fn extend(&mut self, mut samples: &[f64]) {
        while !samples.is_empty() {
            let block = self.room();
            let (taken, rest) = samples.split_at((BLOCK - block.len()).min(samples.len()));
            block.extend_from_slice(taken);
            samples = rest;
        }
    }

    /// Cuts the run, or fills it with zeros, to `length` samples.
    pub(super) fn resize(&mut self, length: usize) {
        if length < self.len() {
            self.0.truncate(length.div_ceil(BLOCK));
            let before = self.0.len().saturating_sub(1) * BLOCK;
            self.0.iter_mut().last().into_iter().for_each(|last| last.truncate(length - before));
        }
        while self.len() < length {
            self.push(0.0);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = f64> + Clone {
        self.0.iter().flatten().copied()
    }

    /// Divides every sample.
    pub(super) fn divide_by(&mut self, divisor: f64) {
        self.0.iter_mut().flatten().for_each(|sample| *sample /= divisor);
    }

    /// The last block, which is not full.
    fn room(&mut self) -> &mut Vec<f64> {
        if self.0.last().is_none_or(|block| block.len() == BLOCK) {
            // Short audio, of which there is most, takes no whole block.
            let capacity = if self.0.is_empty() { 0 } else { BLOCK };
            self.0.push(Vec::with_capacity(capacity));
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_what_was_pushed() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let samples: Vec<f64> = (0..length).map(|i| i as f64).collect();
            let mut blocks = Blocks::default();
            samples.iter().for_each(|sample| blocks.push(*sample));
            blocks.extend(&samples);
            assert_eq!(blocks.len(), 2 * length);
            assert!(blocks.iter().eq(samples.iter().chain(&samples).copied()), "{length}");
            for wanted in [2 * length + 3, length, length / 2, 0] {
                blocks.resize(wanted);
                assert_eq!(blocks.len(), wanted, "{length}");
            }
        }
    }

    #[test]
    fn filling_is_with_zeros() {
        let mut blocks = Blocks::default();
        blocks.extend(&[4.0, 6.0]);
        blocks.resize(3);
        blocks.divide_by(2.0);
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [2.0, 3.0, 0.0]);
    }
}
