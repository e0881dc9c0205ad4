//! Runs `af2` and reads its JSON.

use super::recordings::Question;
use crate::{recipe::text, run};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

/// The binary, with a model and an engine.
pub struct Af2 {
    program: PathBuf,
    model: PathBuf,
    engine: String,
}

/// A line of `af2 ask --json`.
#[derive(Deserialize)]
pub struct Answer {
    /// Text of the answer.
    pub text: String,
    /// How sure the model is, 0 to 1.
    pub confidence: f64,
    /// Every token's, with `--logprobs`.
    #[serde(default)]
    pub logprobs: Vec<Token>,
    /// Which seconds the answer comes from, with `--where`.
    #[serde(rename = "where")]
    pub place: Option<Place>,
}

/// A token of an answer.
#[derive(Deserialize)]
pub struct Token {
    /// Its log-probability.
    pub logprob: f64,
}

/// Relevance over time.
#[derive(Deserialize)]
pub struct Place {
    /// Seconds of each value of the curve.
    pub seconds_per_step: f64,
    /// Relevance from the start of the audio.
    pub curve: Vec<f64>,
}

/// What `af2 choose --json` says about the options.
#[derive(Deserialize)]
pub struct Choice {
    /// Index of the chosen option.
    pub best: usize,
    /// In the order given.
    pub options: Vec<Choosable>,
}

/// An option.
#[derive(Deserialize)]
pub struct Choosable {
    /// Calibrated probability.
    pub probability: f64,
    /// Probability without the calibration.
    pub raw_probability: f64,
}

impl Af2 {
    /// Uses the binary `program`, or builds one.
    pub fn new(model: &Path, program: Option<&Path>, engine: &str) -> Result<Self> {
        let model = run::root().join(model);
        ensure!(model.join("config.json").exists(), "{} holds no converted model", model.display());
        let program = program.map_or_else(build, |program| Ok(program.into()))?;
        Ok(Self { program, model, engine: engine.into() })
    }

    /// `af2 COMMAND --engine E OPTIONS MODEL REST`, ready to start.
    fn command<S: AsRef<OsStr>>(&self, command: &str, options: &[&str], rest: &[S]) -> Command {
        let mut started = Command::new(&self.program);
        started.args([command, "--engine", &self.engine]).args(options).arg(&self.model).args(rest);
        started
    }

    /// What a command prints.
    pub fn output<S: AsRef<OsStr>>(&self, command: &str, options: &[&str], rest: &[S]) -> Result<String> {
        let output = self.command(command, options, rest).output();
        printed(command, &output.with_context(|| format!("cannot start {}", self.program.display()))?)
    }

    /// Runs a benchmark, which prints its own table and progress.
    pub fn benchmark(&self, name: &str, data: &Path) -> Result<()> {
        let mut started = Command::new(&self.program);
        started.args(["eval", "--engine", &self.engine, name]).arg(data).arg(&self.model);
        let status = started.status().with_context(|| format!("cannot start {}", self.program.display()))?;
        ensure!(status.success(), "af2 eval {name} failed");
        Ok(())
    }

    /// Answers to all questions in one run, so that the audio is encoded once.
    pub fn ask(&self, audio: &Path, options: &[&str], questions: &[&Question]) -> Result<Vec<Answer>> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let rest: Vec<&str> =
            std::iter::once(text(audio)?).chain(questions.iter().map(|question| question.question.as_str())).collect();
        let lines = self.output("ask", &[&["--json"], options].concat(), &rest)?;
        let answers: Vec<Answer> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        ensure!(answers.len() == questions.len(), "af2 ask {} left questions open", audio.display());
        Ok(answers)
    }

    /// The choice among `options`.
    pub fn choose(&self, audio: &Path, question: &str, options: &[&str]) -> Result<Choice> {
        let named: Vec<&str> = options.iter().flat_map(|option| ["--option", option]).collect();
        let choice: Choice = self.json("choose", &[&["--json"], &named[..]].concat(), &[text(audio)?, question])?;
        let wrong = choice.options.len() != options.len() || choice.best >= options.len();
        ensure!(!wrong, "af2 choose {} speaks of other options", audio.display());
        Ok(choice)
    }

    /// The one JSON value that a command prints.
    pub fn json<T: DeserializeOwned>(&self, command: &str, options: &[&str], rest: &[&str]) -> Result<T> {
        let printed = self.output(command, options, rest)?;
        serde_json::from_str(&printed).with_context(|| format!("af2 {command} printed no JSON that is known here"))
    }

    /// Most memory, in bytes, that a command held at once (Linux).
    pub fn peak_memory(&self, command: &str, options: &[&str], rest: &[&str]) -> Result<u64> {
        let mut child = self.command(command, options, rest).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = peak_of(child.id()).unwrap_or(0).max(peak);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(20));
        };
        ensure!(status.success(), "af2 {command} failed");
        ensure!(peak > 0, "this system does not tell the memory of a process");
        Ok(peak)
    }
}

fn printed(command: &str, output: &Output) -> Result<String> {
    if !output.status.success() {
        bail!("af2 {command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout.clone())?)
}

/// `VmHWM` of a process that runs.
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn build() -> Result<PathBuf> {
    let root = run::root();
    run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;
    Ok(run::target(&root).join("release/af2"))
}
