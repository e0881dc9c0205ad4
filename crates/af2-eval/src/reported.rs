//! What Audio Flamingo 2 (3B) reached by its authors' and others' accounts: `reported.json`, with where each figure is seen.

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// A reported figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// The benchmark's name.
    pub benchmark: String,
    /// Of which group's value, `all`, `mean over …`, or a caption metric.
    pub of: String,
    /// In percent; a caption metric as it is.
    pub value: f64,
    /// Where it is seen.
    pub source: String,
}

/// The reported figures of a benchmark.
///
/// # Errors
/// `reported.json` is damaged.
pub fn reported(benchmark: &str) -> Result<Vec<Reported>, EvalError> {
    let all: Result<Vec<Reported>, _> = serde_json::from_str(include_str!("../reported.json"));
    let all = all.map_err(|error| EvalError::content("reported.json".as_ref(), error))?;
    Ok(all.into_iter().filter(|figure| figure.benchmark == benchmark).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Benchmark;

    #[test]
    fn every_reported_figure_belongs_to_a_benchmark() {
        let all: Vec<Reported> = serde_json::from_str(include_str!("../reported.json")).unwrap();
        for figure in &all {
            let benchmark = Benchmark::named(&figure.benchmark).unwrap();
            let range = if benchmark.captions { 0.0..10.0 } else { 10.0..100.0 };
            assert!(range.contains(&figure.value) && !figure.source.is_empty(), "{figure:?}");
            let mean = benchmark.mean_over.map(|group| format!("mean over {group}"));
            assert!(!figure.of.starts_with("mean") || mean.as_ref() == Some(&figure.of), "{figure:?}");
        }
        assert_eq!(reported("mmau").unwrap().len(), 4);
    }
}
