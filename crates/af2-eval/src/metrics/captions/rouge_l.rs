//! ROUGE-L (Lin 2004), as the COCO caption evaluation computes it.

use super::Tokens;

/// Recall counts β² times as much as precision.
const BETA: f64 = 1.2;

/// The score of one clip, 0 to 1, from the longest common subsequences of the candidate and each reference: the F-measure of the best
/// precision and the best recall, which may be those of two references. 0 if either side is empty.
pub fn rouge_l(candidate: &[String], references: &[Tokens]) -> f64 {
    let best = |length: &dyn Fn(&Tokens) -> usize| {
        let share = |reference: &Tokens| common(candidate, reference) as f64 / length(reference).max(1) as f64;
        references.iter().map(share).fold(0.0, f64::max)
    };
    let (precision, recall) = (best(&|_| candidate.len()), best(&|reference| reference.len()));
    if precision == 0.0 || recall == 0.0 {
        return 0.0;
    }
    (1.0 + BETA * BETA) * precision * recall / (recall + BETA * BETA * precision)
}

/// Length of the longest common subsequence. Time is the product of the lengths, storage one row of `reference`.
fn common(candidate: &[String], reference: &[String]) -> usize {
    let mut row = vec![0; reference.len() + 1];
    for token in candidate {
        let mut diagonal = 0;
        for (index, other) in reference.iter().enumerate() {
            let above = row[index + 1];
            row[index + 1] = if token == other { diagonal + 1 } else { above.max(row[index]) };
            diagonal = above;
        }
    }
    row[reference.len()]
}
