//! What the engine answers to recordings with known truth.

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
    /// Beside the list.
    pub file: String,
    /// Which of the three sets it belongs to.
    pub set: String,
    /// How its sounds were laid out; "long" has several windows.
    pub kind: String,
    /// May be empty.
    pub questions: Vec<Question>,
}

/// A question with its true answer.
#[derive(Deserialize)]
pub struct Question {
    /// The type that it is counted under.
    pub kind: String,
    /// As one would type it.
    pub question: String,
    /// The truth.
    pub answer: String,
    /// What PyTorch said, if it was asked.
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

/// The command line program with a model.
pub struct Answerer {
    program: PathBuf,
    model: PathBuf,
}

/// Answers to a recording's own questions and to those of another.
pub struct Said {
    /// In the order of the questions.
    pub own: Vec<String>,
    /// In the order of the other's questions.
    pub blind: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Answerer {
    /// Takes `program`, or builds `af2`.
    pub fn new(model: &Path, program: Option<&Path>) -> Result<Self> {
        let model = run::root().join(model);
        ensure!(model.join("config.json").exists(), "{} holds no converted model", model.display());
        Ok(Self { program: program.map_or_else(build, |program| Ok(program.into()))?, model })
    }

    /// Asks everything in one run, so that the sound is encoded once.
    pub fn ask(&self, sound: &Path, own: &[Question], blind: &[Question]) -> Result<Said> {
        let questions = own.iter().chain(blind).map(|question| question.question.as_str());
        let arguments = [text(&self.model)?, text(sound)?].into_iter().chain(questions);
        if own.is_empty() && blind.is_empty() {
            return Ok(Said { own: Vec::new(), blind: Vec::new() });
        }
        let output = Command::new(&self.program).args(["ask", "--json", "--engine", "gpu"]).args(arguments).output();
        let output = output.with_context(|| format!("cannot start {}", self.program.display()))?;
        if !output.status.success() {
            bail!("af2 ask {}: {}", sound.display(), String::from_utf8_lossy(&output.stderr));
        }
        let lines = String::from_utf8(output.stdout)?;
        let answers: Result<Vec<Answer>, _> = lines.lines().map(serde_json::from_str).collect();
        let mut said: Vec<String> = answers?.into_iter().map(|answer| answer.text).collect();
        ensure!(said.len() == own.len() + blind.len(), "af2 ask {} left questions open", sound.display());
        let blind = said.split_off(own.len());
        Ok(Said { own: said, blind })
    }
}

fn build() -> Result<PathBuf> {
    let root = run::root();
    run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;
    Ok(run::target(&root).join("release/af2"))
}
