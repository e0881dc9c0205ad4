//! Where answers go: standard output, a pipe or device, or a file from which an interrupted run resumes.
//!
//! A regular file is ours if its first line is; lines are only ever appended to it, by one run at a time. Everything else that it holds
//! stays: lines of other programs, failures, a line torn when a run was killed.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use super::lines::next_line;
use super::record::{Origin, Record, key, may_be_torn, write};
use crate::open_file::open_output;
use crate::terminal::print;

/// Most bytes of a line that is looked at. An answer of 4096 tokens takes 100 kB.
const LONGEST_LINE: u64 = 4 << 20;

/// Writes lines: what made them, the fields of the list's line, the question, and `result` or `error`.
pub struct Output {
    /// None for standard output.
    file: Option<File>,
    origin: Origin,
    answered: HashSet<String>,
    /// Whether the file ends within a line.
    torn: bool,
}

impl Output {
    /// Writes to standard output, and asks everything.
    pub fn stdout(origin: Origin) -> Self {
        Self { file: None, origin, answered: HashSet::new(), torn: false }
    }

    /// Appends to a file. What it answers is not asked again; failures are. A pipe or device is written to as it is, and `-` is standard
    /// output. With `again`, answers of other models or options stay in the file, and do not count.
    ///
    /// # Errors
    /// The file cannot be read or written, is not one of this command, is in use by another run, or holds answers of another model or of
    /// other options.
    pub fn open(path: &Path, origin: Origin, again: bool) -> Result<Self> {
        if path == Path::new("-") || path == Path::new("/dev/stdout") {
            return Ok(Self::stdout(origin));
        }
        let shown = path.display();
        let regular = !path.exists() || path.is_file();
        let opened = open_output(path, OpenOptions::new().read(regular).append(true).create(true));
        let file = opened.with_context(|| format!("cannot write {shown}"))?;
        let mut output = Self { file: None, origin, answered: HashSet::new(), torn: false };
        if file.metadata().with_context(|| format!("cannot read {shown}"))?.is_file() {
            lock(&file, path)?;
            output.resume(&file, path, again)?;
        }
        output.file = Some(file);
        Ok(output)
    }

    /// Reads what the file holds.
    fn resume(&mut self, file: &File, path: &Path, again: bool) -> Result<()> {
        let shown = path.display();
        let mut reader = BufReader::new(file);
        let mut ours = false;
        while let Some(line) = next_line(&mut reader, LONGEST_LINE).with_context(|| format!("cannot read {shown}"))? {
            self.torn = !line.ended;
            let Some(record) = Record::parse(&line.bytes) else {
                let known = ours || may_be_torn(&line.bytes);
                ensure!(
                    known,
                    "{shown} was not written by af2 batch, and is left as it is; name another file with --out"
                );
                continue;
            };
            ours = true;
            match self.origin.difference(&record.origin) {
                None => self.answered.extend(record.answered),
                Some(_) if again => {}
                Some(difference) => bail!(
                    "{shown} holds answers of {difference}: name another file with --out, or append to this one with --again"
                ),
            }
        }
        Ok(())
    }

    /// Whether a question is answered already.
    pub fn has(&self, job: &Job, question: &str) -> bool {
        self.answered.contains(&key(job, question))
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// The file or standard output takes no more.
    pub fn answer(&mut self, job: &Job, question: &str, result: &impl Serialize) -> Result<()> {
        // Through text: a float32 keeps its few digits, as in the JSON of `af2 ask`.
        let mut result: Value = serde_json::from_str(&serde_json::to_string(result)?)?;
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

    /// Writes a line at once, and as a whole: a run that is killed leaves whole lines.
    fn write(&mut self, job: &Job, question: &str, name: &str, value: Value) -> Result<()> {
        let line = write(&self.origin, job, question, name, value)?;
        let Some(file) = &mut self.file else { return Ok(print(line)?) };
        let line = if std::mem::take(&mut self.torn) { format!("\n{line}") } else { line };
        file.write_all(line.as_bytes())
            .context("cannot write the answer; with --out the same command resumes from here")
    }
}

/// Keeps other runs off a file until this one ends.
fn lock(file: &File, path: &Path) -> Result<()> {
    let shown = path.display();
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            bail!("another af2 batch is writing {shown}; wait for its end, or name another file with --out")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {shown}; append standard output to it instead"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn job(audio: &str) -> Job {
        let fields = [("a".to_owned(), Value::from(1)), ("audio".to_owned(), Value::from(audio))].into();
        Job { audio: audio.into(), start: 0.0, questions: Vec::new(), fields }
    }

    fn origin(model: &str, seed: u64) -> Origin {
        let (config, index) = (include_bytes!("../../../../weights/toy/config.json"), model.as_bytes());
        let options = json!({ "seed": seed, "temperature": 0.1, "beams": null, "cot": false, "stop": [] });
        Origin::new(config, index, options.as_object().unwrap().clone()).unwrap()
    }

    fn open(path: &Path) -> Result<Output> {
        Output::open(path, origin("toy", 0), false)
    }

    /// Asks what is missing, as a run does.
    fn run(path: &Path, names: &[&str]) {
        let mut output = open(path).unwrap();
        for name in names {
            if !output.has(&job(name), "What?") {
                output.answer(&job(name), "What?", &json!({ "text": name, "question": "What?" })).unwrap();
            }
        }
    }

    /// Every run of the three is cut at every byte that it wrote: no byte before is lost, and the last run answers all.
    #[test]
    fn runs_killed_anywhere_lose_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        run(&path, &["a", "b"]);
        let whole = fs::read(&path).unwrap();
        for first in 0..=whole.len() {
            fs::write(&path, &whole[..first]).unwrap();
            run(&path, &["a", "b"]);
            let second = fs::read(&path).unwrap();
            assert!(second.starts_with(&whole[..first]));
            // A second kill, within the line that was written last.
            let last = second.len() - (1 + first * 7 % 90).min(second.len() - first);
            fs::write(&path, &second[..last]).unwrap();
            run(&path, &["a", "b", "c"]);
            let third = fs::read(&path).unwrap();
            assert!(third.starts_with(&second[..last]), "cut at {first} and {last}");
            let output = open(&path).unwrap();
            assert!(["a", "b", "c"].iter().all(|name| output.has(&job(name), "What?")), "cut at {first} and {last}");
        }
    }

    #[test]
    fn what_is_answered_counts_once_and_failures_are_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        run(&path, &["a"]);
        open(&path).unwrap().failure(&job("b"), "What?", "no such file").unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "\n{\"error\": \"a line of another program\"}\nnotes")
            .unwrap();
        let before = fs::read_to_string(&path).unwrap();
        let mut output = open(&path).unwrap();
        assert!(output.has(&job("a"), "What?"));
        assert!(!output.has(&job("a"), "Where?") && !output.has(&job("b"), "What?"));
        output.answer(&job("b"), "What?", &json!("a dog")).unwrap();
        drop(output);
        let after = fs::read_to_string(&path).unwrap();
        let last = after.strip_prefix(&format!("{before}\n")).unwrap();
        let line: Value = serde_json::from_str(last).unwrap();
        assert_eq!((&line["audio"], &line["a"], &line["result"]), (&json!("b"), &json!(1), &json!("a dog")));
        assert_eq!(line["af2"]["options"], json!({ "seed": 0, "temperature": 0.1 }));
        assert!(last.starts_with("{\"af2\":{\"version\":\""), "{last}");
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        let foreign = [
            "milk, bread",
            "\n",
            "{\n  \"af2\": 3\n}",
            "{\"error\": \"disk full\", \"time\": 3}\n",
            "{\"af2\":{\"verse\":\"x\"}}\n",
            "{\"audio\":\"a\",\"question\":\"What?\",\"result\":{}}\n",
        ];
        for text in foreign {
            fs::write(&path, text).unwrap();
            let error = open(&path).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains("was not written by af2 batch"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn another_model_or_option_is_refused_unless_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        run(&path, &["a"]);
        let before = fs::read(&path).unwrap();
        for (other, word) in [(origin("demo", 0), "model"), (origin("toy", 7), "options")] {
            let error = Output::open(&path, other.clone(), false).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("holds answers of {word}")) && error.contains("--again"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), before);
            let output = Output::open(&path, other, true).unwrap();
            assert!(!output.has(&job("a"), "What?"));
        }
    }

    #[test]
    fn one_run_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        let first = open(&path).unwrap();
        let error = open(&path).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("another af2 batch is writing"), "{error}");
        drop(first);
        assert!(open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for names in [&["a"][..], &["a", "b"]] {
            run(&link, names);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&real).unwrap().lines().count(), names.len());
        }
        run(Path::new("/dev/null"), &["a"]);
        let mut full = open(Path::new("/dev/full")).unwrap();
        assert!(format!("{:#}", full.failure(&job("a"), "What?", "no").unwrap_err()).contains("space"));
    }
}
