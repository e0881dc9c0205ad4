//! Where answers go: standard output, or a file from which an interrupted run resumes.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Job;

/// Writes lines: the fields of the list's line, the question, and `result` or `error`.
pub struct Output {
    out: Box<dyn Write>,
    answered: HashSet<String>,
}

impl Output {
    /// Writes to standard output, and asks everything.
    pub fn stdout() -> Self {
        Self { out: Box::new(io::stdout()), answered: HashSet::new() }
    }

    /// Appends to a file. Questions that it answers are not asked again; failures and a torn last line are removed and asked again.
    ///
    /// # Errors
    /// The file cannot be read or written, or is something else.
    pub fn file(path: &Path) -> Result<Self> {
        let unwritable = || format!("cannot write {}", path.display());
        let mut answered = HashSet::new();
        if path.exists() {
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // The file is replaced as a whole, so that no answer is ever lost.
            let mut answers = tempfile::NamedTempFile::new_in(folder).with_context(unwritable)?;
            let permissions = file.metadata().with_context(unwritable)?.permissions();
            answers.as_file().set_permissions(permissions).with_context(unwritable)?;
            for line in BufReader::new(file).split(b'\n') {
                let line = line.with_context(|| format!("cannot read {}", path.display()))?;
                if let Some(key) = answer_of(&line) {
                    answered.insert(key);
                    answers.write_all(&line).and_then(|()| answers.write_all(b"\n")).with_context(unwritable)?;
                }
            }
            if answered.is_empty() && fs::metadata(path)?.len() > 0 && !holds_failures(path)? {
                anyhow::bail!("{} holds no answers of this command; name another file", path.display());
            }
            answers.persist(path).map_err(io::Error::from).with_context(unwritable)?;
        }
        let out = OpenOptions::new().create(true).append(true).open(path).with_context(unwritable)?;
        Ok(Self { out: Box::new(out), answered })
    }

    /// Whether a question is answered already.
    pub fn has(&self, job: &Job, question: &str) -> bool {
        self.answered.contains(&key(line_of(job, question)))
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// The file or standard output takes no more.
    pub fn answer(&mut self, job: &Job, question: &str, result: &impl Serialize) -> Result<()> {
        let mut result = serde_json::to_value(result)?;
        if let Value::Object(fields) = &mut result {
            fields.remove("question"); // the line has it
        }
        self.write(job, question, "result", result)
    }

    /// Writes why there is no answer.
    ///
    /// # Errors
    /// As [`Output::answer`].
    pub fn failure(&mut self, job: &Job, question: &str, error: &str) -> Result<()> {
        self.write(job, question, "error", error.into())
    }

    fn write(&mut self, job: &Job, question: &str, name: &str, value: Value) -> Result<()> {
        let mut line = line_of(job, question);
        line.insert(name.into(), value);
        let text = Value::from(line).to_string() + "\n";
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).context("cannot write the answer")
    }
}

fn line_of(job: &Job, question: &str) -> Map<String, Value> {
    let mut line = job.fields.clone();
    line.insert("question".into(), question.into());
    for ours in ["result", "error"] {
        line.remove(ours);
    }
    line
}

/// Two lines that ask the same have the same key: the map sorts its names.
fn key(line: Map<String, Value>) -> String {
    Value::from(line).to_string()
}

/// The key of a line that holds an answer.
fn answer_of(line: &[u8]) -> Option<String> {
    let mut line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    line.remove("result")?;
    line.contains_key("question").then(|| key(line))
}

fn holds_failures(path: &Path) -> Result<bool> {
    let first = BufReader::new(File::open(path)?).split(b'\n').next().transpose()?.unwrap_or_default();
    let first: Option<Map<String, Value>> = serde_json::from_slice(&first).ok();
    Ok(first.is_some_and(|line| line.contains_key("error")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(audio: &str) -> Job {
        let fields = Map::from_iter([("id".to_owned(), Value::from(1)), ("audio".to_owned(), Value::from(audio))]);
        Job { audio: audio.into(), questions: Vec::new(), fields }
    }

    #[test]
    fn an_interrupted_run_resumes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        let mut output = Output::file(&path).unwrap();
        output.answer(&job("a"), "What?", &"a dog").unwrap();
        output.failure(&job("b"), "What?", "no such file").unwrap();
        let written = fs::read_to_string(&path).unwrap();
        fs::write(&path, written.clone() + "{\"audio\": \"c\", \"que").unwrap();
        let output = Output::file(&path).unwrap();
        assert!(output.has(&job("a"), "What?"));
        assert!(!output.has(&job("a"), "Where?") && !output.has(&job("b"), "What?") && !output.has(&job("c"), "What?"));
        assert_eq!(fs::read_to_string(&path).unwrap(), written.lines().next().unwrap().to_owned() + "\n");
    }

    #[test]
    fn another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "milk, bread").unwrap();
        let error = Output::file(&path).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("holds no answers"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "milk, bread");
    }
}
