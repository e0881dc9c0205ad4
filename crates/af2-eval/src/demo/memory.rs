//! The memory that captions take.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::EvalError;
use crate::data_dir::rows;

/// The name of its results.
pub const PEAK_MEMORY: &str = "peak memory of captions";

/// The most memory that captions of a file take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFigure {
    /// Length of the audio.
    pub minutes: u32,
    /// The largest resident set of the process.
    pub peak_bytes: u64,
}

impl MemoryFigure {
    /// Those of several lengths, from the results in a file of JSON lines. Of several about one length the last counts.
    ///
    /// # Errors
    /// The file cannot be read, or lacks a length.
    pub fn read(results: &Path, minutes: &[u32]) -> Result<Vec<Self>, EvalError> {
        let own = |row: &crate::data_dir::Row| row.or_empty("question") == PEAK_MEMORY;
        let figure = |row: crate::data_dir::Row| Self::deserialize(row.fields.get("result")?).ok();
        let all: Vec<Self> = rows(results)?.into_iter().filter(own).filter_map(figure).collect();
        let of = |minutes: &u32| {
            let found = all.iter().rev().find(|figure| figure.minutes == *minutes).cloned();
            found.ok_or_else(|| EvalError::content(results, format!("it has no memory of {minutes} minutes")))
        };
        minutes.iter().map(of).collect()
    }
}
