//! Asks the engine about recordings with known answers.

use crate::{recipe::text, run};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A line of `questions.jsonl`.
#[derive(Deserialize)]
pub struct Recording {
    /// File name, in the folder of the list.
    pub file: String,
    /// Name of its set, one of three.
    pub set: String,
    /// Layout of its sounds; "long" has several windows.
    pub kind: String,
    /// May be empty.
    pub questions: Vec<Question>,
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
    /// PyTorch's answer, if it was asked.
    pub reference: Option<String>,
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

/// `af2 ask` with a model.
pub struct Answerer {
    af2: PathBuf,
    model: PathBuf,
}

/// Answers to a recording's own questions and to those of its neighbour.
pub struct Said {
    /// In the order of the questions.
    pub own: Vec<String>,
    /// In the order of the neighbour's questions.
    pub blind: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Answerer {
    /// Uses the binary `af2`, or builds it.
    pub fn new(model: &Path, af2: Option<&Path>) -> Result<Self> {
        let model = run::root().join(model);
        ensure!(model.join("config.json").exists(), "{} holds no converted model", model.display());
        Ok(Self { af2: af2.map_or_else(build, |af2| Ok(af2.into()))?, model })
    }

    /// Asks all questions in one run, so that the audio is encoded once.
    pub fn ask(&self, audio: &Path, own: &[Question], blind: &[Question]) -> Result<Said> {
        let questions = own.iter().chain(blind).map(|question| question.question.as_str());
        let arguments = [text(&self.model)?, text(audio)?].into_iter().chain(questions);
        if own.is_empty() && blind.is_empty() {
            return Ok(Said { own: Vec::new(), blind: Vec::new() });
        }
        let output = Command::new(&self.af2).args(["ask", "--json", "--engine", "gpu"]).args(arguments).output();
        let output = output.with_context(|| format!("cannot start {}", self.af2.display()))?;
        if !output.status.success() {
            bail!("af2 ask {}: {}", audio.display(), String::from_utf8_lossy(&output.stderr));
        }
        let lines = String::from_utf8(output.stdout)?;
        let answers: Result<Vec<Answer>, _> = lines.lines().map(serde_json::from_str).collect();
        let mut said: Vec<String> = answers?.into_iter().map(|answer| answer.text).collect();
        ensure!(said.len() == own.len() + blind.len(), "af2 ask {} left questions open", audio.display());
        let blind = said.split_off(own.len());
        Ok(Said { own: said, blind })
    }
}

fn build() -> Result<PathBuf> {
    let root = run::root();
    run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;
    Ok(run::target(&root).join("release/af2"))
}
