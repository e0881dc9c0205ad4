//! The shipped models, and the sample sounds with their questions.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A converted model.
pub struct Model {
    /// Short name, for URLs.
    pub name: &'static str,
    /// Relative to the repository.
    pub folder: &'static str,
}

/// Trained for this repository.
const DEMO: Model = Model { name: "demo", folder: "weights/demo/model" };
/// The tests' model: random encoder, decoder fitted to a few synthetic sounds.
const TOY: Model = Model { name: "toy", folder: "weights/toy" };

/// The models in this checkout, the better one first.
pub fn models(root: &Path) -> Vec<Model> {
    let is_there = |model: &Model| root.join(model.folder).join("model.safetensors.index.json").exists();
    [DEMO, TOY].into_iter().filter(is_there).collect()
}

/// A sound and its questions.
#[derive(Deserialize)]
pub struct Sound {
    /// Relative to the repository.
    #[serde(rename = "file")]
    pub path: PathBuf,
    /// Title for people.
    pub title: String,
    /// In the order of the list.
    pub questions: Vec<Question>,
}

/// A question about a sound.
#[derive(Deserialize)]
pub struct Question {
    /// Text of the question.
    pub question: String,
    /// The true answer, if the demo model gives it with a wide margin.
    pub expected: Option<String>,
}

impl Sound {
    /// The questions to suggest: those with an expected answer, else all.
    pub fn suggestions(&self) -> Vec<&str> {
        let clear = self.questions.iter().any(|question| question.expected.is_some());
        let suggested = self.questions.iter().filter(|question| question.expected.is_some() || !clear);
        suggested.map(|question| question.question.as_str()).collect()
    }
}

/// The demo model's sounds, or the tests' if there is no demo model.
pub fn sounds(root: &Path) -> Result<Vec<Sound>> {
    let folder = Path::new("weights/demo/sounds");
    let list = root.join(folder).join("sounds.json");
    if !list.exists() || !root.join(DEMO.folder).exists() {
        return Ok(FIXTURES.map(|(file, title, question)| fixture(file, title, question)).into());
    }
    let text = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let mut sounds: Vec<Sound> =
        serde_json::from_slice(&text).with_context(|| format!("cannot read {}", list.display()))?;
    sounds.iter_mut().for_each(|sound| sound.path = folder.join(&sound.path));
    Ok(sounds)
}

/// File, title and question of synthetic sounds in the test fixtures.
const FIXTURES: [(&str, &str, &str); 4] = [
    ("speech_16k_mono.wav", "A synthetic voice", "Is someone speaking?"),
    ("stereo_44k1_12s7.flac", "Two channels", "Caption the input audio."),
    ("sweep_48k_24bit_25s.flac", "A sweep", "Caption the input audio."),
    ("long_8k_127s.flac", "Two minutes", "Caption the input audio."),
];

fn fixture(file: &str, title: &str, question: &str) -> Sound {
    let questions = vec![Question { question: question.into(), expected: None }];
    Sound { path: Path::new("tests/fixtures/inputs").join(file), title: title.into(), questions }
}
