//! `af2 tune`: measures which kernels and sizes are fastest on a GPU and stores the result.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::options::AdapterOption;
use crate::model::{TuningFile, measure_tuning, open_gpu};
use crate::terminal::print_line;

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
    let file = match arguments.file {
        Some(path) => TuningFile::at_checked(path)?,
        None => TuningFile::of_user().context("this system has no cache folder; name a file with --file")?,
    };
    let gpu = open_gpu(arguments.adapter.name())?;
    let tuning = measure_tuning(&gpu)?;
    file.store(gpu.info(), tuning)?;
    let name = &gpu.info().name;
    if arguments.json {
        let report = serde_json::json!({ "adapter": name, "tuning": tuning.to_string(), "file": file.path() });
        return Ok(print_line(report)?);
    }
    Ok(print_line(format_args!("{name}: {}\nstored in {}", tuning.describe(), file.path().display()))?)
}
