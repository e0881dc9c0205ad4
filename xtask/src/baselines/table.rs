//! The table of all rows.

use serde_json::{Value, json};

/// A line of the table.
pub struct Row {
    /// What is measured.
    pub what: String,
    /// Whose figure ours stands beside.
    pub baseline: &'static str,
    pub unit: &'static str,
    pub ours: f64,
    pub theirs: f64,
    /// The ratio that is the goal.
    pub target: f64,
}

impl Row {
    /// Our figure by theirs.
    pub fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    /// The row as an object.
    pub fn json(&self) -> Value {
        let Self { what, baseline, unit, ours, theirs, target } = self;
        let ratio = self.ratio();
        json!({ "what": what, "baseline": baseline, "unit": unit, "ours": ours, "theirs": theirs, "ratio": ratio, "target": target })
    }
}

/// All rows in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("| | baseline | ours | theirs | ratio | target |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let Row { what, baseline, unit, ours, theirs, target } = row;
        text += &format!(
            "| {what} | {baseline} | {ours:.4} {unit} | {theirs:.4} {unit} | {:.2} | ≤ {target} |\n",
            row.ratio()
        );
    }
    text
}
