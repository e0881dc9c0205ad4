//! Recordings whose sounds are known, with questions and true answers: `questions.jsonl`.

use serde::Deserialize;
use serde_json::Value;

use super::lettered_options;
use crate::data_dir::Row;
use crate::{DataDir, EvalError};

/// A line of `questions.jsonl`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Recording {
    /// File name, in the folder of the list.
    pub file: String,
    /// Name of its set.
    pub set: String,
    /// Layout of its sounds; "long" has several windows.
    pub kind: String,
    /// Its length.
    #[serde(default)]
    pub seconds: f64,
    /// What sounds in it, in order of time.
    #[serde(default)]
    pub events: Vec<Event>,
    /// May be empty.
    pub questions: Vec<Question>,
}

/// A sound with its true interval, in seconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Event {
    /// Its noun.
    pub sound: String,
    /// Onset.
    pub start: f64,
    /// End.
    pub end: f64,
}

/// A question with its true answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Question {
    /// What kind of question it is.
    #[serde(default)]
    pub kind: String,
    /// Its text.
    pub question: String,
    /// The true answer; in `sounds.json`, where `truth` has it, PyTorch's.
    pub answer: String,
    /// The true answer, in `sounds.json`.
    pub truth: Option<String>,
    /// PyTorch's answer, if it was asked.
    pub reference: Option<String>,
    /// The sound that decides the answer, where it is one that can be heard.
    pub about: Option<String>,
}

impl Recording {
    /// All recordings of a folder, in the order of the list.
    ///
    /// # Errors
    /// There is no list, or it is none of recordings.
    pub fn read_all(data: &DataDir) -> Result<Vec<Self>, EvalError> {
        let recording =
            |row: &Row| serde_json::from_value(Value::from(row.fields.clone())).map_err(|error| row.wrong(error));
        data.rows(&["questions.jsonl"])?.iter().map(recording).collect()
    }

    /// The id of the item of a question, by its place in the list.
    pub fn id(&self, question: usize) -> String {
        format!("{}#{question}", self.file)
    }

    /// Kind of a question, with that of the recording where it has several windows.
    pub fn kind_of(&self, question: &Question) -> String {
        format!("{}{}", if self.kind == "long" { "long: " } else { "" }, question.kind)
    }

    /// Intervals of a sound.
    pub fn intervals(&self, sound: &str) -> Vec<(f64, f64)> {
        let own = self.events.iter().filter(|event| event.sound == sound);
        own.map(|event| (event.start, event.end)).collect()
    }
}

impl Question {
    /// The options of a multiple choice or of yes and no, as the model would answer them; none of other questions.
    pub fn options(&self) -> Option<Vec<String>> {
        match self.kind.as_str() {
            "yes or no" => Some(vec!["yes".into(), "no".into()]),
            "multiple choice" => lettered_options(&self.question),
            _ => None,
        }
    }
}
