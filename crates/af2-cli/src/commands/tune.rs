//! `af2 tune`: measures which kernels and sizes are fastest on a GPU and keeps the answer.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::executor::open_gpu;
use crate::tuning::{TuningFile, measure};

/// Arguments of `af2 tune`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Measure the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// Keep the answer in this file instead of the one in the user's cache folder, which `ask` and `bench` read.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Measures, keeps and prints.
pub fn run(arguments: Arguments) -> Result<()> {
    let gpu = open_gpu(arguments.adapter.as_deref())?;
    let file = arguments.file.map(TuningFile::at).or_else(TuningFile::of_user);
    let file = file.context("this system has no cache folder; name a file with --file")?;
    let tuning = measure(&gpu)?;
    file.keep(gpu.facts(), tuning)?;
    let name = &gpu.facts().name;
    let mut out = io::stdout().lock();
    if arguments.json {
        let report = serde_json::json!({ "adapter": name, "tuning": tuning.to_string(), "file": file.path() });
        return Ok(writeln!(out, "{report}")?);
    }
    writeln!(out, "{name}: {}\nkept in {}", tuning.describe(), file.path().display())?;
    Ok(())
}
