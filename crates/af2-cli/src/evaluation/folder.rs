//! The folder of a report: `answers.jsonl` grows with every answer, `hours.jsonl` with every result of hours of audio; `items.jsonl`,
//! `report.json`, the submission and the demo model's reliability diagram are written at the end.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use af2_eval::comparison::{ITEMS_FILE, REPORT_FILE};
use af2_eval::demo::reliability_svg;
use af2_eval::{Asked, Benchmark, Predictions, Report, Scores};
use anyhow::{Context, Result};
use tempfile::{NamedTempFile, TempDir};

/// The folder of a report.
pub struct ReportFolder {
    path: PathBuf,
    /// Deletes the folder of a run that nobody wants to keep.
    temporary: Option<TempDir>,
}

impl ReportFolder {
    /// The folder `path`, made if there is none, or one that lasts as long as the run.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        match path {
            Some(path) => {
                fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
                Ok(Self { path: path.into(), temporary: None })
            }
            None => {
                let folder = tempfile::tempdir().context("cannot make a temporary folder; name one with --out")?;
                Ok(Self { path: folder.path().into(), temporary: Some(folder) })
            }
        }
    }

    /// Whether it stays.
    pub fn stays(&self) -> bool {
        self.temporary.is_none()
    }

    /// The file of the answers.
    pub fn answers(&self) -> PathBuf {
        self.path.join("answers.jsonl")
    }

    /// The file of the results of hours of audio.
    pub fn hours(&self) -> PathBuf {
        self.path.join("hours.jsonl")
    }

    /// Writes the report, the items with their verdicts, and the submission of a benchmark that has one.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(
        &self,
        benchmark: &Benchmark,
        report: &Report,
        scores: &Scores,
        asked: &[Asked],
        predictions: &Predictions,
    ) -> Result<()> {
        let items: String =
            scores.items.iter().map(|item| Ok(serde_json::to_string(item)? + "\n")).collect::<Result<_>>()?;
        self.put(ITEMS_FILE, &items)?;
        if let Some(export) = benchmark.export {
            self.put(export.file, &export.text(asked, predictions)?)?;
        }
        if !report.demo.confidence.is_empty() {
            self.put("reliability.svg", &reliability_svg(&report.demo.confidence))?;
        }
        self.put(REPORT_FILE, &(serde_json::to_string_pretty(report)? + "\n"))
    }

    /// Replaces a file as a whole.
    fn put(&self, name: &str, text: &str) -> Result<()> {
        let write = || {
            let mut file = NamedTempFile::new_in(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.persist(self.path.join(name)).map_err(|error| error.error)
        };
        write().map(|_| ()).with_context(|| format!("cannot write {name} in {}", self.path.display()))
    }
}
