//! One question of a benchmark.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One question about one audio file, with its true answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Unique in its benchmark.
    pub id: String,
    /// The audio file, relative to the data set's folder.
    pub audio: PathBuf,
    /// Where in the file the part to hear begins, in seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_start: f64,
    /// What a template may word differently: the benchmark's name, or a task of it.
    pub topic: String,
    /// The question, without its options.
    pub question: String,
    /// The options of multiple choice, or the labels of a classification; empty for an open question.
    pub options: Vec<String>,
    /// The true answer first, then others that count; the references of a caption. Empty where the benchmark withholds it.
    pub answers: Vec<String>,
    /// What figures are broken down by: (`task`, `music`).
    pub groups: Vec<(String, String)>,
    /// Whether it only controls others: a question about other audio than it is asked of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    /// The data set's own fields, which an export repeats.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub row: Map<String, Value>,
}

fn is_zero(start: &f64) -> bool {
    *start == 0.0
}

/// An item as it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The item.
    pub item: Item,
    /// Its question in a template's wording.
    pub prompt: String,
}

impl Item {
    /// The place of the true answer among the options.
    pub fn answer_index(&self) -> Option<usize> {
        let answer = self.answers.first()?;
        self.options.iter().position(|option| option == answer)
    }

    /// Adds a group, unless its value is empty.
    pub(crate) fn grouped(mut self, group: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.groups.push((group.into(), value));
        }
        self
    }
}
