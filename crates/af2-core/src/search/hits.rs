//! The best places, of any number of windows.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use serde::Serialize;

/// A place where a sound was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchHit {
    /// Name of the file in the index.
    pub file: String,
    /// Seconds from the start of the file.
    pub start: f64,
    /// Seconds from the start of the file, after `start`.
    pub end: f64,
    /// What hits are ranked by, of the best window.
    pub score: f32,
    /// Probability that the sound is there, in [0, 1], of the best window.
    pub confidence: f32,
}

/// A window that was judged, in the order of its file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowMatch {
    /// Seconds from the start of the file.
    pub start: f64,
    /// Seconds from the start of the file.
    pub end: f64,
    /// What windows are ranked by.
    pub score: f32,
    /// Probability that the sound is there.
    pub confidence: f32,
}

/// Confidence from which neighbouring windows are one hit: the sound is rather in each of them than not.
const RATHER: f32 = 0.5;
/// Times are compared with this many seconds of tolerance.
const TOLERANCE: f64 = 1e-3;

/// Holds the best hits; its memory depends on their number alone.
#[derive(Debug)]
pub struct TopHits {
    most: usize,
    min_confidence: f32,
    hop_seconds: f64,
    open: Option<Open>,
    best: BinaryHeap<Reverse<Ranked>>,
    closed: u64,
}

/// A hit that the next window may extend.
#[derive(Debug)]
struct Open {
    hit: SearchHit,
    /// Where its last window begins.
    last: f64,
    /// Whether it may be extended.
    sure: bool,
}

impl TopHits {
    /// At most `most` hits of windows with at least `min_confidence`. Windows of a file that begin at most `hop_seconds` apart are
    /// neighbours; they become one hit if the sound is rather in each of them than not.
    pub fn new(most: usize, min_confidence: f32, hop_seconds: f64) -> Self {
        Self { most, min_confidence, hop_seconds, open: None, best: BinaryHeap::new(), closed: 0 }
    }

    /// Takes the next window.
    pub fn push(&mut self, file: &str, window: WindowMatch) {
        let WindowMatch { start, end, score, confidence } = window;
        if !score.is_finite() || confidence < self.min_confidence {
            return;
        }
        let sure = confidence >= RATHER;
        if let Some(open) = self.open.as_mut().filter(|open| sure && open.sure && open.hit.file == file)
            && (0.0..=self.hop_seconds + TOLERANCE).contains(&(start - open.last))
        {
            open.last = start;
            open.hit.end = open.hit.end.max(end);
            if score > open.hit.score {
                (open.hit.score, open.hit.confidence) = (score, confidence);
            }
            return;
        }
        self.close();
        self.open =
            Some(Open { hit: SearchHit { file: file.into(), start, end, score, confidence }, last: start, sure });
    }

    /// The hits, best first; of equal ones the earlier.
    pub fn finish(mut self) -> Vec<SearchHit> {
        self.close();
        self.best.into_sorted_vec().into_iter().map(|Reverse(ranked)| ranked.hit).collect()
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.closed += 1;
        self.best.push(Reverse(Ranked { hit: open.hit, order: self.closed }));
        if self.best.len() > self.most {
            self.best.pop();
        }
    }
}

/// A hit in the order of ranks, the best the greatest.
#[derive(Debug)]
struct Ranked {
    hit: SearchHit,
    order: u64,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.hit.score.total_cmp(&other.hit.score).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(most: usize, min_confidence: f32, windows: &[(&str, f64, f32, f32)]) -> Vec<(String, f64, f64, f32)> {
        let mut hits = TopHits::new(most, min_confidence, 10.0);
        for &(file, start, score, confidence) in windows {
            hits.push(file, WindowMatch { start, end: start + 10.0, score, confidence });
        }
        hits.finish().into_iter().map(|hit| (hit.file, hit.start, hit.end, hit.score)).collect()
    }

    #[test]
    fn the_best_come_first_and_equal_ones_in_order() {
        let windows = [("a", 0.0, 1.0, 0.6), ("b", 0.0, 3.0, 0.6), ("c", 0.0, 1.0, 0.6), ("d", 0.0, 2.0, 0.6)];
        let names = |most| top(most, 0.0, &windows).into_iter().map(|hit| hit.0).collect::<Vec<_>>().concat();
        assert_eq!([names(9), names(3), names(1), names(0)], ["bdac", "bda", "b", ""]);
    }

    #[test]
    fn neighbours_that_hold_the_sound_are_one_hit() {
        let windows = [
            ("a", 0.0, 1.0, 0.9),
            ("a", 10.0, 4.0, 0.9),
            ("a", 20.0, 0.5, 0.2),
            ("a", 30.0, 2.0, 0.6),
            ("b", 40.0, 1.5, 0.6),
        ];
        let hit = |file: &str, start, end, score| (file.to_owned(), start, end, score);
        let parts = [hit("a", 0.0, 20.0, 4.0), hit("a", 30.0, 40.0, 2.0), hit("b", 40.0, 50.0, 1.5)];
        assert_eq!(top(9, 0.5, &windows), parts);
        let unsure = [("a", 0.0, 1.0, 0.1), ("a", 10.0, 2.0, 0.1)];
        assert_eq!(top(9, 0.0, &unsure).len(), 2, "each window is a place of its own");
        assert!(top(9, 0.5, &unsure).is_empty());
        assert!(top(9, 0.0, &[("a", 0.0, f32::NAN, 0.9)]).is_empty());
    }
}
