//! Counts of n-grams.

use std::collections::BTreeMap;

/// The longest n-gram that any metric counts.
pub const LONGEST: usize = 4;

/// How often each n-gram occurs. Ordered, so that sums over it are the same in every run.
pub type Counts<'a> = BTreeMap<&'a [String], u32>;

/// Counts of the n-grams of `n` tokens, at least 1.
pub fn counts(tokens: &[String], n: usize) -> Counts<'_> {
    let mut counts = Counts::new();
    for ngram in tokens.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}
