//! `af2 batch MODEL LIST`: questions about many audio files, with the model loaded once.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Asker, Decoding};
use crate::batch::{Batch, Origin, Output, read_list};
use crate::model::ModelFiles;
use crate::terminal::note;

/// Arguments of `af2 batch`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// One audio file per line: {"audio": "dog.wav", "question": "What is it?"}, or "questions": [...]; other fields come out again. With
    /// --question a line may be just a path. - for standard input.
    list: PathBuf,
    /// Asked about every audio file whose line has no question of its own; may be given several times.
    #[arg(long, value_name = "TEXT")]
    question: Vec<String>,
    /// Append answers to this file instead of printing them. What it answers already is not asked again, so an interrupted run resumes.
    /// Other files, and answers of another model or of other options, are refused.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Append to answers of another model or of other options: they stay, and everything is asked again.
    #[arg(long, requires = "out")]
    again: bool,
    /// Paths of audio files are relative to this folder instead of the one the command runs in.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    input: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
    #[command(flatten)]
    decoding: Decoding,
}

/// Reads the list, asks everything, and says how it went.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    let root = arguments.root.as_deref().unwrap_or(Path::new(""));
    let jobs = read_list(&arguments.list, root, &arguments.question)?;
    let origin = origin(&arguments)?;
    let output = match &arguments.out {
        Some(path) => Output::open(path, origin, arguments.again)?,
        None => Output::stdout(origin),
    };
    let mut batch = Batch::new(output, jobs);
    let (all, left) = (batch.all(), batch.left());
    if left < all {
        note(format_args!("{} of {all} questions are answered already", all - left));
    }
    if left == 0 {
        return Ok(());
    }
    let start = Instant::now();
    let engine = arguments.engine.load(&arguments.model, None)?;
    batch.load_seconds = start.elapsed().as_secs_f64();
    let asker = Asker { engine: &*engine, decoding: &arguments.decoding, sampling, stream: false };
    let (config, input) = (engine.config().audio.clone(), arguments.input);
    let done = batch.run(asker, move |path, start| input.load(&config, path, start))?;
    note(done);
    if done.failures > 0 {
        bail!("{} of {left} questions have no answer; \"error\" in their lines says why", done.failures);
    }
    Ok(())
}

/// What the answers of this run are made by.
fn origin(arguments: &Arguments) -> Result<Origin> {
    let files = ModelFiles::open(&arguments.model)?;
    let mut options = serde_json::Map::new();
    for part in [serde_json::to_value(&arguments.decoding)?, serde_json::to_value(arguments.input)?] {
        options.extend(part.as_object().cloned().unwrap_or_default());
    }
    Ok(Origin::new(&files.config, &files.index, options)?)
}
