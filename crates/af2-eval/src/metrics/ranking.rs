//! How good a ranking is.

/// Average precision of a ranking, best first: the mean, over the `relevant` items there are, of the precision at the rank of each that was
/// found. What was not found counts 0.
pub fn average_precision(ranking: &[bool], relevant: usize) -> f64 {
    let (mut found, mut sum) = (0.0, 0.0);
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

    #[test]
    fn average_precision_of_known_rankings() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(average_precision(&[true, true], 2), 1.0));
        assert!(close(average_precision(&[false, true, false, true], 2), 0.5));
        assert!(close(average_precision(&[true, false], 4), 0.25));
        assert!(close(average_precision(&[], 0), 0.0));
    }
}
