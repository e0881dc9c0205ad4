//! `af2 tune`: measures which kernels and sizes are fastest on a GPU and stores the result.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::options::AdapterOption;
use crate::model::{TuningFile, measure_tuning, open_gpu};

/// Arguments of `af2 tune`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    adapter: AdapterOption,
    /// Store the result in this file instead of the one in the user's cache folder, which `ask` and `bench` read.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures, stores and prints.
pub fn run(arguments: Arguments) -> Result<()> {
    let gpu = open_gpu(arguments.adapter.name())?;
    let file = arguments.file.map(TuningFile::at).or_else(TuningFile::of_user);
    let file = file.context("this system has no cache folder; name a file with --file")?;
    let tuning = measure_tuning(&gpu)?;
    file.store(gpu.info(), tuning)?;
    let name = &gpu.info().name;
    let mut out = io::stdout().lock();
    if arguments.json {
        let report = serde_json::json!({ "adapter": name, "tuning": tuning.to_string(), "file": file.path() });
        return Ok(writeln!(out, "{report}")?);
    }
    writeln!(out, "{name}: {}\nstored in {}", tuning.describe(), file.path().display())?;
    Ok(())
}
