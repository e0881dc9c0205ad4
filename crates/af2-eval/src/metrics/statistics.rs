//! Shares with their intervals, and the test whether two runs differ.

use serde::{Deserialize, Serialize};

/// Two-sided 95 % of a normal distribution lie within so many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// The ends of an interval, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Wilson's 95 % interval of the share `correct / total`, within 0 to 1. Without trials nothing is known: 0 to 1.
pub fn wilson(correct: u64, total: u64) -> Interval {
    if total == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = total as f64;
    let share = correct.min(total) as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // The ends are exact where rounding would leave a rest.
    let low = if correct == 0 { 0.0 } else { (centre - spread) / scale };
    let high = if correct >= total { 1.0 } else { (centre + spread) / scale };
    Interval { low, high }
}

/// Right ones among trials, being counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The right ones.
    pub right: u64,
    /// Trials.
    pub n: u64,
}

impl Share {
    /// Of outcomes.
    pub fn of(outcomes: impl Iterator<Item = bool>) -> Self {
        let mut share = Self::default();
        outcomes.for_each(|right| share.count(right));
        share
    }

    /// Counts one trial.
    pub fn count(&mut self, right: bool) {
        self.right += u64::from(right);
        self.n += 1;
    }

    /// Right ones per trial; 0 without trials.
    pub fn mean(self) -> f64 {
        self.right as f64 / self.n.max(1) as f64
    }

    /// With its interval, for a report.
    pub fn figure(self) -> ShareFigure {
        let Interval { low, high } = wilson(self.right, self.n);
        ShareFigure { n: self.n, right: self.right, score: self.mean(), interval: (low, high) }
    }
}

/// A share in a report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShareFigure {
    /// Trials.
    pub n: u64,
    /// The right ones.
    pub right: u64,
    /// Right ones per trial; 0 without trials.
    pub score: f64,
    /// Wilson's 95 % interval.
    pub interval: (f64, f64),
}

impl ShareFigure {
    /// The share and its interval as the cells of a table: `0.750`, `0.65–0.83`.
    pub(crate) fn cells(&self) -> [String; 2] {
        let (low, high) = self.interval;
        [format!("{:.3}", self.score), format!("{low:.2}–{high:.2}")]
    }
}

/// McNemar's exact test: the two-sided probability that two equally good runs differ at least so unevenly.
///
/// `lost` items were right in the first run only, `won` in the second only. 1 if nothing differs. Time is linear in the smaller count.
pub fn mcnemar(lost: u64, won: u64) -> f64 {
    let (fewer, total) = (lost.min(won), lost + won);
    // Binomial(total, 1/2) up to `fewer`, as logarithms: 2^-total underflows early.
    let mut log_term = -(total as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for k in 1..=fewer {
        log_term += ((total - k + 1) as f64).ln() - (k as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn interval_of_a_known_share() {
        // Newcombe (1998), table I: 81 of 263.
        let interval = wilson(81, 263);
        assert!((interval.low - 0.2553).abs() < 5e-5 && (interval.high - 0.3662).abs() < 5e-5, "{interval:?}");
    }

    #[test]
    fn a_share_counts_and_has_the_interval() {
        let share = Share::of((0..10).map(|i| i < 8));
        let figure = share.figure();
        assert_eq!((share, figure.score), (Share { right: 8, n: 10 }, 0.8));
        assert_eq!(figure.cells(), ["0.800", "0.49–0.94"]);
        assert_eq!(Share::default().figure().interval, (0.0, 1.0));
    }

    #[test]
    fn intervals_stay_within_zero_and_one() {
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
        for total in 1..50 {
            let (none, all) = (wilson(0, total), wilson(total, total));
            assert!(none.low == 0.0 && none.high < 1.0 && all.high <= 1.0 && all.low > 0.0);
            assert!(close(none.high, 1.0 - all.low), "the interval is symmetric");
        }
        assert!(wilson(500_000, 1_000_000).high - 0.5 < 1e-3);
    }

    #[test]
    fn mcnemar_of_known_counts() {
        assert!(close(mcnemar(0, 0), 1.0) && close(mcnemar(7, 7), 1.0));
        assert!(close(mcnemar(0, 5), 2.0 / 32.0));
        // 2 · (1 + 10 + 45) / 1024
        assert!(close(mcnemar(2, 8), 112.0 / 1024.0) && close(mcnemar(8, 2), mcnemar(2, 8)));
        assert!(mcnemar(0, 3000) == 0.0 && mcnemar(100_000, 100_400) > 0.3);
    }
}
