//! How honest probabilities are: a reliability diagram, its expected calibration error, and how well they tell right from wrong.

use super::statistics::Share;

/// Answers whose probability lies in one of the equal parts of 0 to 1.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Bin {
    /// How many of them are right.
    pub share: Share,
    /// Sum of their probabilities.
    pub probability: f64,
}

impl Bin {
    /// Mean probability; 0 for an empty bin.
    pub fn mean_probability(self) -> f64 {
        self.probability / self.share.n.max(1) as f64
    }
}

/// A reliability diagram: `(probability, right)` pairs in `count` bins of equal width, 1 or more.
pub fn reliability(answers: &[(f64, bool)], count: usize) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); count.max(1)];
    for &(probability, right) in answers {
        let at = ((probability * count as f64) as usize).min(bins.len() - 1);
        bins[at].share.count(right);
        bins[at].probability += probability;
    }
    bins
}

/// Expected calibration error: mean distance of probability and accuracy over the bins, weighted by their answers.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let total: u64 = bins.iter().map(|bin| bin.share.n).sum();
    let weighted = |bin: &Bin| bin.share.n as f64 * (bin.share.mean() - bin.mean_probability()).abs();
    bins.iter().map(weighted).sum::<f64>() / total.max(1) as f64
}

/// Probability that a right answer has more than a wrong one, ties counted half: the area under the ROC curve. None where all are right or
/// all wrong. Takes time for sorting.
pub fn discrimination(answers: &[(f64, bool)]) -> Option<f64> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut beaten, mut right) = (0.0, 0.0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let good = equal.iter().filter(|(_, right)| *right).count() as f64;
        let bad = equal.len() as f64 - good;
        beaten += good * (below + bad / 2.0);
        below += bad;
        right += good;
    }
    (right > 0.0 && below > 0.0).then(|| beaten / (right * below))
}

/// The mean of the probabilities; 0 of none.
pub fn mean_probability(answers: &[(f64, bool)]) -> f64 {
    answers.iter().map(|(probability, _)| probability).sum::<f64>() / answers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn calibration_of_known_answers() {
        let certain = [(1.0, true), (1.0, false), (0.0, false)];
        let bins = reliability(&certain, 10);
        assert_eq!(bins[9].share, Share { right: 1, n: 2 });
        assert_eq!(bins[0].share, Share { right: 0, n: 1 });
        assert!(close(calibration_error(&bins), 1.0 / 3.0) && close(mean_probability(&certain), 2.0 / 3.0));
        // Three of four right at 0.75: perfectly calibrated.
        let honest = [(0.75, true), (0.75, true), (0.75, true), (0.75, false)];
        assert!(close(calibration_error(&reliability(&honest, 10)), 0.0));
        assert!(close(calibration_error(&reliability(&[], 10)), 0.0) && close(mean_probability(&[]), 0.0));
    }

    #[test]
    fn discrimination_of_known_answers() {
        assert_eq!(discrimination(&[(0.9, true), (0.2, false)]), Some(1.0));
        assert_eq!(discrimination(&[(0.1, true), (0.2, false)]), Some(0.0));
        assert_eq!(discrimination(&[(0.5, true), (0.5, false), (0.4, false)]), Some(0.75));
        assert_eq!(discrimination(&[(0.5, true)]), None);
    }

    /// Against the definition, pair by pair.
    #[test]
    fn discrimination_is_the_share_of_pairs() {
        let answers: Vec<(f64, bool)> = (0..60).map(|i| (f64::from(i * 37 % 19) / 19.0, i * 29 % 7 < 3)).collect();
        let of = |wanted: bool| answers.iter().filter(move |(_, right)| *right == wanted).map(|(value, _)| *value);
        let pairs = of(true).flat_map(|a| of(false).map(move |b| f64::midpoint(f64::from(a > b), f64::from(a >= b))));
        let share = pairs.clone().sum::<f64>() / pairs.count() as f64;
        assert!(close(discrimination(&answers).unwrap(), share));
    }
}
