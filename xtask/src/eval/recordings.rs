//! Recordings whose sounds are known, with questions and true answers.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{fs, path::Path};

/// A line of `questions.jsonl`.
#[derive(Deserialize)]
pub struct Recording {
    /// File name, in the folder of the list.
    pub file: String,
    /// Name of its set, one of three.
    pub set: String,
    /// Layout of its sounds; "long" has several windows.
    pub kind: String,
    /// Length.
    pub seconds: f64,
    /// What sounds in it, in order of time.
    pub events: Vec<Event>,
    /// May be empty.
    pub questions: Vec<Question>,
}

/// A sound with its true interval, in seconds.
#[derive(Deserialize, Clone)]
pub struct Event {
    /// Its noun.
    pub sound: String,
    /// Onset.
    pub start: f64,
    /// End.
    pub end: f64,
}

/// A question with its true answer.
#[derive(Deserialize)]
pub struct Question {
    /// Question type.
    pub kind: String,
    /// Text of the question.
    pub question: String,
    /// The true answer.
    pub answer: String,
    /// The sound that decides the answer, where it is one that can be heard.
    pub about: Option<String>,
}

impl Recording {
    /// Intervals of a sound.
    pub fn intervals<'a>(&'a self, sound: &'a str) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.events.iter().filter(move |event| event.sound == sound).map(|event| (event.start, event.end))
    }
}

/// Reads the list in `folder`.
pub fn read(folder: &Path) -> Result<Vec<Recording>> {
    let path = folder.join("questions.jsonl");
    let list = fs::read_to_string(&path).with_context(|| {
        format!("cannot read {}: make recordings with `cargo xtask sounds fetch`, `bank` and `scenes`", path.display())
    })?;
    let parsed: Result<Vec<Recording>, _> = list.lines().map(serde_json::from_str).collect();
    let recordings = parsed.with_context(|| format!("{} is no list of recordings", path.display()))?;
    ensure!(!recordings.is_empty(), "{} lists no recording", path.display());
    Ok(recordings)
}
