//! The statistics of the evaluation: shares with intervals, calibration, ranking. Apart from the interval they are written for this command
//! alone, so that they check the engine's own figures.

use af2_eval::metrics::statistics::wilson;

/// `right` of `total`.
#[derive(Default, Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Successes.
    pub right: u32,
    /// Trials.
    pub total: u32,
}

impl Share {
    /// Counts one trial.
    pub fn count(&mut self, right: bool) {
        self.right += u32::from(right);
        self.total += 1;
    }

    /// Successes per trial; 0 without trials.
    pub fn mean(self) -> f64 {
        f64::from(self.right) / f64::from(self.total.max(1))
    }

    /// Wilson's 95 % interval.
    pub fn interval(self) -> (f64, f64) {
        let interval = wilson(self.right.into(), self.total.into());
        (interval.low, interval.high)
    }
}

/// Answers whose confidence lies in one of the equal parts of 0 to 1.
#[derive(Default, Clone, Copy, Debug)]
pub struct Bin {
    /// How many of them are right.
    pub share: Share,
    /// Sum of their confidences.
    pub confidence: f64,
}

impl Bin {
    /// Mean confidence; 0 for an empty bin.
    pub fn mean_confidence(self) -> f64 {
        self.confidence / f64::from(self.share.total.max(1))
    }
}

/// A reliability diagram: `(confidence, right)` pairs in `count` bins of equal width.
pub fn reliability(answers: &[(f64, bool)], count: usize) -> Vec<Bin> {
    let mut bins = vec![Bin::default(); count];
    for &(confidence, right) in answers {
        let at = ((confidence * count as f64) as usize).min(count - 1);
        bins[at].share.count(right);
        bins[at].confidence += confidence;
    }
    bins
}

/// Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their answers.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let total: u32 = bins.iter().map(|bin| bin.share.total).sum();
    let weighted = |bin: &Bin| f64::from(bin.share.total) * (bin.share.mean() - bin.mean_confidence()).abs();
    bins.iter().map(weighted).sum::<f64>() / f64::from(total.max(1))
}

/// Probability that a right answer has more confidence than a wrong one, ties counted half: the area under the ROC curve. `None` where all
/// are right or all wrong.
pub fn discrimination(answers: &[(f64, bool)]) -> Option<f64> {
    let of =
        |wanted: bool| answers.iter().filter(move |(_, right)| *right == wanted).map(|(confidence, _)| *confidence);
    let (right, wrong) = (of(true).count(), of(false).count());
    let beats = |a: f64| {
        of(false)
            .map(|b| {
                if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                }
            })
            .sum::<f64>()
    };
    (right > 0 && wrong > 0).then(|| of(true).map(beats).sum::<f64>() / (right * wrong) as f64)
}

/// Average precision of a ranking, best first: the mean, over the `relevant` items there are, of the precision at the rank of each that was
/// found. What was not found counts 0.
pub fn average_precision(ranking: &[bool], relevant: usize) -> f64 {
    let mut found = 0.0;
    let mut sum = 0.0;
    for (rank, hit) in (1..).zip(ranking) {
        if *hit {
            found += 1.0;
            sum += found / f64::from(rank);
        }
    }
    if relevant == 0 { 0.0 } else { sum / relevant as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn interval_of_a_known_share() {
        let (low, high) = Share { right: 8, total: 10 }.interval();
        assert!((low - 0.490).abs() < 1e-3 && (high - 0.943).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn calibration_of_known_answers() {
        let certain = [(1.0, true), (1.0, false), (0.0, false)];
        let bins = reliability(&certain, 10);
        assert_eq!(bins[9].share, Share { right: 1, total: 2 });
        assert_eq!(bins[0].share, Share { right: 0, total: 1 });
        assert!(close(calibration_error(&bins), 1.0 / 3.0));
        // Three of four right at 0.75: perfectly calibrated.
        let honest = [(0.75, true), (0.75, true), (0.75, true), (0.75, false)];
        assert!(close(calibration_error(&reliability(&honest, 10)), 0.0));
        assert!(close(calibration_error(&reliability(&[], 10)), 0.0));
    }

    #[test]
    fn discrimination_of_known_answers() {
        assert_eq!(discrimination(&[(0.9, true), (0.2, false)]), Some(1.0));
        assert_eq!(discrimination(&[(0.1, true), (0.2, false)]), Some(0.0));
        assert_eq!(discrimination(&[(0.5, true), (0.5, false), (0.4, false)]), Some(0.75));
        assert_eq!(discrimination(&[(0.5, true)]), None);
    }

    #[test]
    fn average_precision_of_known_rankings() {
        assert!(close(average_precision(&[true, true], 2), 1.0));
        assert!(close(average_precision(&[false, true, false, true], 2), 0.5));
        assert!(close(average_precision(&[true, false], 4), 0.25));
        assert!(close(average_precision(&[], 0), 0.0));
    }
}
