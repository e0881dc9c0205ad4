//! Corpus BLEU (Papineni et al. 2002), as the COCO caption evaluation computes it: of the lengths of the references the closest counts.

use super::{
    Captions,
    ngrams::{Counts, LONGEST, counts},
};

/// The COCO evaluation adds them to numerators and denominators, so that nothing is divided by zero.
const TINY: f64 = 1e-15;
const SMALL: f64 = 1e-9;

/// Sums over a set.
#[derive(Default)]
struct Totals {
    /// n-grams of the candidates, by n.
    said: [f64; LONGEST],
    /// Those that a reference has too, each at most as often as in the reference that has it most.
    matched: [f64; LONGEST],
    candidate_tokens: f64,
    reference_tokens: f64,
}

/// BLEU-1 to BLEU-4 of a set, each 0 to 1: the geometric mean of the precisions of n-grams, with a penalty on brevity.
pub fn bleu(set: &[Captions]) -> [f64; LONGEST] {
    let mut totals = Totals::default();
    for captions in set {
        totals.add(captions);
    }
    let ratio = (totals.candidate_tokens + TINY) / (totals.reference_tokens + SMALL);
    let penalty = if ratio < 1.0 { (1.0 - 1.0 / ratio).exp() } else { 1.0 };
    let mut product = 1.0;
    std::array::from_fn(|index| {
        product *= (totals.matched[index] + TINY) / (totals.said[index] + SMALL);
        f64::powf(product, 1.0 / (index + 1) as f64) * penalty
    })
}

impl Totals {
    fn add(&mut self, Captions { candidate, references }: &Captions) {
        let length = candidate.len();
        let closest = references.iter().map(Vec::len).min_by_key(|&other| (other.abs_diff(length), other));
        self.candidate_tokens += length as f64;
        self.reference_tokens += closest.unwrap_or(0) as f64;
        for n in 1..=LONGEST {
            let references: Vec<Counts> = references.iter().map(|reference| counts(reference, n)).collect();
            let most = |ngram| references.iter().filter_map(|counts| counts.get(ngram)).max().copied().unwrap_or(0);
            let matched = counts(candidate, n).into_iter().map(|(ngram, count)| f64::from(count.min(most(ngram))));
            self.matched[n - 1] += matched.sum::<f64>();
            self.said[n - 1] += (length + 1).saturating_sub(n) as f64;
        }
    }
}
