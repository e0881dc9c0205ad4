//! The file that others score: every item's own fields, and the prediction.

use serde_json::{Map, Value, json};

use crate::{Asked, Predictions};

/// A submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// Its file name.
    pub file: &'static str,
    /// The field of the prediction.
    pub field: &'static str,
    /// One object a line, instead of an array.
    pub lines: bool,
}

impl Export {
    /// The file's text. Items without a prediction are left out.
    ///
    /// # Errors
    /// None for predictions that are text.
    pub fn text(&self, asked: &[Asked], predictions: &Predictions) -> Result<String, serde_json::Error> {
        let rows = asked.iter().filter(|asked| !asked.item.control).filter_map(|asked| self.row(asked, predictions));
        let rows: Vec<Map<String, Value>> = rows.collect();
        if !self.lines {
            return Ok(serde_json::to_string_pretty(&rows)? + "\n");
        }
        rows.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect()
    }

    fn row(&self, asked: &Asked, predictions: &Predictions) -> Option<Map<String, Value>> {
        let text = predictions.get(&asked.item.id)?.text.clone()?;
        if self.file != "inference.jsonl" {
            let mut row = asked.item.row.clone();
            row.insert(self.field.into(), text.into());
            return Some(row);
        }
        // The original's four: file, prompt, references joined by `|`, output.
        let row = json!({
            "path": asked.item.audio,
            "prompt": asked.prompt,
            "ground_truth": asked.item.answers.join("|"),
            self.field: text,
        });
        row.as_object().cloned()
    }
}
