//! `af2 tune`: measures which kernels and sizes are fastest on a GPU and stores the result.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::options::AdapterOption;
use crate::model::{TuningFile, matrix_shapes, measure_kernels, open_gpu};
use crate::terminal::print_line;

/// Arguments of `af2 tune`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model: also measures how each of its matrices is best divided.
    model: Option<PathBuf>,
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
    let shapes = arguments.model.as_deref().map_or(Ok(Vec::new()), matrix_shapes)?;
    let gpu = open_gpu(arguments.adapter.name())?;
    let kernels = measure_kernels(&gpu, &shapes)?;
    file.store(gpu.info(), &kernels)?;
    let name = &gpu.info().name;
    if arguments.json {
        let matrices: Vec<_> = kernels
            .matvecs()
            .iter()
            .map(|(shape, sizes)| serde_json::json!({ "shape": shape.to_string(), "sizes": sizes.to_string() }))
            .collect();
        return Ok(print_line(serde_json::json!({
            "adapter": name,
            "tuning": kernels.tuning.to_string(),
            "matrices": matrices,
            "file": file.path(),
        }))?);
    }
    print_line(format_args!("{name}: {}", kernels.tuning.describe()))?;
    for (shape, sizes) in kernels.matvecs() {
        print_line(format_args!("  {shape}: {sizes}"))?;
    }
    Ok(print_line(format_args!("stored in {}", file.path().display()))?)
}
