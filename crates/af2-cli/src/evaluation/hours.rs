//! Captions and searches of hours of audio, and the memory that they take. Every result is a line of a file, so that a run resumes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use af2_core::audio::{Channel, LoadRules, WindowStream};
use af2_core::captions::{CAPTION_QUESTION, Caption};
use af2_core::index::IndexedWindow;
use af2_core::search::{SearchBy, SearchHit, SearchQuery, TopHits};
use af2_eval::DataDir;
use af2_eval::demo::{Hours, HoursFigure, HoursTask, MemoryFigure, PEAK_MEMORY, with_article};
use anyhow::{Context, Result, ensure};

use super::LazyEngine;
use crate::audio_file::stream_audio;
use crate::batch::{Job, Output};
use crate::captioning::Captioner;
use crate::model::Engine;
use crate::searching::WindowSearch;
use crate::terminal::{count_bar, window_bar};
use crate::window_batch::WindowBatch;

/// Windows that are computed together, as `af2 captions` and `af2 search` do.
const BATCH: usize = 8;
/// Captions with less are left out, as by `af2 captions`.
const MIN_CONFIDENCE: f32 = 0.5;
/// Lengths of the files whose captions' memory is measured.
const MEMORY_MINUTES: [u32; 2] = [10, 120];
/// How often the memory of a process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The results of hours of audio.
pub struct HoursRun<'a> {
    /// The folder of the lists and the audio.
    pub data: DataDir,
    /// Loaded if anything is left to do.
    pub engine: &'a LazyEngine<'a>,
    /// Where results go.
    pub output: Output,
    /// The file of `output`.
    pub results: PathBuf,
}

impl HoursRun<'_> {
    /// Captions and searches the file of `minutes`.
    ///
    /// # Errors
    /// The list or the audio is not there, or the device failed.
    pub fn figure(&mut self, minutes: u32) -> Result<HoursFigure> {
        let hours = Hours::read(&self.data, minutes)?;
        let job = self.job(&hours.file);
        let mut windows = Vec::new();
        for task in hours.tasks() {
            let name = task.name();
            if self.output.has(&job, &name) {
                continue;
            }
            let (engine, _) = self.engine.get()?;
            match task {
                HoursTask::Captions { edges } => {
                    self.output.answer(&job, &name, &captions(engine, &job.audio, edges)?)?;
                }
                HoursTask::Search { sound } => {
                    if windows.is_empty() {
                        windows = encoded(engine, &job.audio)?;
                    }
                    self.output.answer(&job, &name, &search(engine, &windows, &sound, name.clone())?)?;
                }
            }
        }
        Ok(hours.figure(&self.results)?)
    }

    /// Most memory that `af2 captions` takes, with the arguments `before` in front of the file.
    ///
    /// # Errors
    /// A file is not there, captions fail, or the system does not tell the memory of a process.
    pub fn memory(&mut self, before: &[String]) -> Result<Vec<MemoryFigure>> {
        for minutes in MEMORY_MINUTES {
            let job = self.job(&format!("{minutes}-minutes.wav"));
            if !self.output.has(&job, PEAK_MEMORY) {
                let peak = peak_memory(before, &job.audio)?;
                self.output.answer(&job, PEAK_MEMORY, &MemoryFigure { minutes, peak_bytes: peak })?;
            }
        }
        Ok(MemoryFigure::read(&self.results, &MEMORY_MINUTES)?)
    }

    fn job(&self, file: &str) -> Job {
        let fields = [("audio".to_owned(), file.into())];
        Job { audio: self.data.root().join(file), start: 0.0, questions: Vec::new(), fields: fields.into() }
    }
}

/// The windows of a file side by side, and the seconds from one to the next.
fn stream(engine: &dyn Engine, audio: &Path) -> Result<(WindowStream, f64)> {
    let config = &engine.config().audio;
    let hop = config.window_length - config.window_overlap;
    Ok((stream_audio(config, audio, LoadRules::ByName, Channel::default(), hop)?, hop))
}

fn captions(engine: &dyn Engine, audio: &Path, edges: bool) -> Result<Vec<Caption>> {
    let (mut stream, hop) = stream(engine, audio)?;
    let bar = window_bar(stream.duration(), hop, "captions");
    let mut captions = Vec::new();
    let mut on_caption = |caption| {
        captions.push(caption);
        Ok(())
    };
    let captioner = Captioner::new(engine, CAPTION_QUESTION, edges, MIN_CONFIDENCE)?;
    captioner.listen(&mut stream, BATCH, &mut |windows| bar.inc(windows as u64), &mut on_caption)?;
    bar.finish_and_clear();
    Ok(captions)
}

/// All windows that are not silent, as an index stores them: an hour takes 94 MB with the 3B.
fn encoded(engine: &dyn Engine, audio: &Path) -> Result<Vec<IndexedWindow>> {
    let (mut stream, hop) = stream(engine, audio)?;
    let bar = window_bar(stream.duration(), hop, "encoding");
    let mut windows = Vec::new();
    while let Some(batch) = WindowBatch::next(&mut stream, BATCH, 0.0)? {
        windows.extend(batch.indexed(engine)?);
        bar.inc(batch.windows.len() as u64);
    }
    bar.finish_and_clear();
    ensure!(!windows.is_empty(), "{} is silent", audio.display());
    Ok(windows)
}

/// Every place of a sound, best first.
fn search(engine: &dyn Engine, windows: &[IndexedWindow], sound: &str, name: String) -> Result<Vec<SearchHit>> {
    let config = &engine.config().audio;
    let query = SearchQuery::new(engine.tokenizer(), &with_article(sound), SearchBy::Both)?;
    let hits = TopHits::new(usize::MAX, 0.0, config.window_length - config.window_overlap);
    let mut search = WindowSearch::new(engine, query, hits, BATCH);
    let bar = count_bar(windows.len() as u64, "searching").with_message(name);
    for window in windows {
        search.push("", window.clone())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    search.finish()
}

/// Most memory, in bytes, that the captions of a file held at once, in a process of their own (Linux).
fn peak_memory(before: &[String], audio: &Path) -> Result<u64> {
    ensure!(audio.is_file(), "there is no {}; `cargo xtask sounds hours` makes it", audio.display());
    let program = std::env::current_exe().context("this system does not tell where af2 is")?;
    let mut command = Command::new(program);
    command.args(["captions", "--format", "json"]).args(before).arg(audio).stdout(Stdio::null());
    let mut child = command.spawn().context("cannot start af2 captions")?;
    let mut peak = 0;
    let status = loop {
        peak = peak_of(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(LOOK);
    };
    ensure!(status.success(), "af2 captions {} failed", audio.display());
    ensure!(peak > 0, "this system does not tell the memory of a process");
    Ok(peak)
}

/// `VmHWM` of a process that runs.
fn peak_of(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
