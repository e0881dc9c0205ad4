//! The part of a report that only the demo model has, with the tables of its model card.

use std::fmt::{Display, Formatter, Result};

use serde::{Deserialize, Serialize};

use super::{ChoiceFigure, ConfidenceFigure, HoursFigure, MemoryFigure, PlaceFigure};
use super::{choices, confidence, hours, places};
use crate::text_table::{head, write_table};

/// What was measured beside the answers; what was not asked for is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DemoReport {
    /// Options, weighed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceFigure>,
    /// Calibration of the confidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confidence: Vec<ConfidenceFigure>,
    /// Whether relevance finds the sound.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceFigure>,
    /// Captions and search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<HoursFigure>,
    /// Memory of captions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryFigure>,
}

impl DemoReport {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Display for DemoReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut titled = |title: &str, lines: Vec<Vec<String>>| {
            writeln!(f, "\n{title}\n")?;
            write_table(f, &lines)
        };
        if !self.choices.is_empty() {
            titled("Options", choices::table(&self.choices))?;
        }
        if !self.confidence.is_empty() {
            let [values, bins] = confidence::tables(&self.confidence);
            titled("Confidence", values)?;
            titled("Confidence by bins", bins)?;
        }
        if !self.places.is_empty() {
            titled("Places: right answers whose relevance peaks inside the sound", places::table(&self.places))?;
        }
        if let Some(hours) = &self.hours {
            let [captions, searches] = hours::tables(hours);
            titled(&format!("Captions of {:.0} minutes, {} events", hours.minutes, hours.events), captions)?;
            titled("Search of the same", searches)?;
        }
        if !self.memory.is_empty() {
            let line = |memory: &MemoryFigure| {
                vec![format!("{} minutes", memory.minutes), format!("{:.1} MB", memory.peak_bytes as f64 / 1e6)]
            };
            let lines = self.memory.iter().map(line);
            titled("Memory", std::iter::once(head(&["audio", "peak memory of captions"])).chain(lines).collect())?;
        }
        Ok(())
    }
}
