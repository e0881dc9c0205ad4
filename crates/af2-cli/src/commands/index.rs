//! `af2 index MODEL FILES… --out INDEX`: encodes audio once, so that it can be searched any number of times.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, UNIX_EPOCH};

use af2_core::audio::WindowStream;
use af2_core::config::ModelConfig;
use af2_core::index::{IndexHeader, IndexRecord, IndexedFile};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;

use super::options::{EngineOptions, StreamOptions};
use crate::audio_index::{IndexOutput, audio_files, stored_name};
use crate::model::{Engine, ModelFiles, is_lost};
use crate::panics::contain;
use crate::terminal::{note, window_bar};
use crate::window_batch::WindowBatch;

/// Arguments of `af2 index`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Audio files, and folders of which all audio files are taken.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The index. What it holds already is not encoded again, so an interrupted run resumes, and files can be added. An hour of audio
    /// takes 94 MB with the 3B, 12 MB with the demo model.
    #[arg(long, value_name = "INDEX")]
    out: PathBuf,
    #[command(flatten)]
    stream: StreamOptions,
    #[command(flatten)]
    engine: EngineOptions,
}

/// Encodes what the index does not hold yet.
pub fn run(arguments: Arguments) -> Result<()> {
    let files = audio_files(&arguments.files)?;
    ensure!(!files.is_empty(), "there is no audio file in what was named");
    let mut output = IndexOutput::open(&arguments.out, arguments.header()?)?;
    let (mut left, mut failed) = (Vec::new(), 0);
    let mut told = |path: &Path, error: anyhow::Error| {
        failed += 1;
        note(format_args!("{}: {error:#}", path.display()));
    };
    for path in &files {
        match described(&arguments.out, path).and_then(|file| Ok((output.missing(&file)?, file))) {
            Ok((Some(from), file)) => left.push((path, file, from)),
            Ok((None, _)) => {}
            Err(error) => told(path, error),
        }
    }
    if left.len() < files.len() {
        note(format_args!("{} of {} files need not be encoded", files.len() - left.len(), files.len()));
    }
    if !left.is_empty() {
        let start = Instant::now();
        let engine = arguments.engine.load(&arguments.model, None)?;
        let mut seconds = 0.0;
        for (path, file, from) in left {
            match contain(|| arguments.add(&*engine, &mut output, path, file, from)) {
                Ok(added) => seconds += added,
                Err(error) if is_lost(&error) => {
                    return Err(error.context("stopped; the same command resumes from here"));
                }
                Err(error) => told(path, error),
            }
        }
        let took = start.elapsed().as_secs_f64();
        note(format_args!("{seconds:.0} s of audio added in {took:.1} s ({:.1} x real time)", seconds / took));
    }
    if failed > 0 {
        bail!("{failed} of {} files are not in the index, or not to their end", files.len());
    }
    Ok(())
}

impl Arguments {
    fn header(&self) -> Result<IndexHeader> {
        let model = ModelFiles::open(&self.model)?;
        let config = ModelConfig::parse(&model.config)?;
        Ok(IndexHeader {
            model: IndexHeader::identity(&model.index),
            width: config.audio_transformer.d_model as u32,
            window_seconds: config.audio.window_length,
            hop_seconds: self.stream.hop(&config.audio),
            options: self.stream.reading()?,
        })
    }

    /// Adds the windows of a file that begin at `from` seconds or later; returns the seconds added.
    fn add(
        &self,
        engine: &dyn Engine,
        output: &mut IndexOutput,
        path: &Path,
        file: IndexedFile,
        from: f64,
    ) -> Result<f64> {
        let config = &engine.config().audio;
        let mut stream = self.stream.open(config, path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bar = window_bar(stream.duration(), self.stream.hop(config), name);
        output.append(&IndexRecord::File(file))?;
        let end = self.append(engine, output, &mut stream, from, &bar);
        bar.finish_and_clear();
        let end = end?;
        output.append(&IndexRecord::End)?;
        for notice in stream.notices() {
            note(format_args!("{}: {notice}", path.display()));
        }
        Ok(end - from)
    }

    /// Appends windows that begin at `from` seconds or later; returns where the last ends.
    fn append(
        &self,
        engine: &dyn Engine,
        output: &mut IndexOutput,
        stream: &mut WindowStream,
        from: f64,
        bar: &ProgressBar,
    ) -> Result<f64> {
        let mut end = from;
        while let Some(batch) = WindowBatch::next(stream, self.stream.batch, from)? {
            for window in batch.indexed(engine)? {
                output.append(&IndexRecord::Window(window))?;
            }
            end = batch.windows.last().map_or(end, |window| window.start + window.seconds);
            bar.inc(batch.windows.len() as u64);
        }
        Ok(end)
    }
}

/// An audio file as an index knows it.
fn described(index: &Path, path: &Path) -> Result<IndexedFile> {
    let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    let modified = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |since| since.as_secs());
    Ok(IndexedFile { name: stored_name(index, path)?, bytes: found.len(), modified })
}
