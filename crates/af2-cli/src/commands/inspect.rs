//! `af2 inspect MODEL`: parts, parameters, bytes, schemes, and what one decoded token reads.

use std::io::{self, Write};
use std::path::PathBuf;

use af2_core::weights::summary::{ModelSummary, PartSummary};
use af2_model::dispatches_per_token;
use clap::Args;
use serde::Serialize;

use crate::model_dir::ModelDir;

/// Arguments of `af2 inspect`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also read all weights and compare their SHA-256 with the index.
    #[arg(long)]
    verify: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    shards: usize,
    dispatches_per_token: usize,
    #[serde(flatten)]
    weights: ModelSummary,
}

/// Prints a table, or JSON.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let model = ModelDir::open(&arguments.model)?;
    if arguments.verify {
        model.verify()?;
    }
    let weights = ModelSummary::new(&model.tensors);
    let dispatches_per_token = dispatches_per_token(&model.config);
    let report = Report { name: &model.config.name, shards: model.index.shards.len(), dispatches_per_token, weights };
    let text = if arguments.json { serde_json::to_string_pretty(&report)? + "\n" } else { table(&report) };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn table(report: &Report<'_>) -> String {
    let mut text = format!("{}\n\n{}\n", report.name, row("part", "parameters", "bytes", "stored as"));
    for part in &report.weights.parts {
        let (parameters, bytes) = (part.parameters.to_string(), part.bytes.to_string());
        text += &format!("{}\n", row(&part.part.to_string(), &parameters, &bytes, &mix(part)));
    }
    let (parameters, bytes) = (report.weights.parameters.to_string(), report.weights.bytes.to_string());
    text += &format!("{}\n\n", row("total", &parameters, &bytes, &format!("{} shards", report.shards)));
    text += &format!("weight bytes read per decoded token: {}\n", report.weights.bytes_per_token);
    text + &format!("dispatches per decoded token: {}\n", report.dispatches_per_token)
}

fn row(part: &str, parameters: &str, bytes: &str, schemes: &str) -> String {
    format!("{part:<18}{parameters:>14}{bytes:>16}   {schemes}")
}

/// `q8 97 %, f32 3 %`, by bytes, largest first.
fn mix(part: &PartSummary) -> String {
    let mut schemes: Vec<_> = part.schemes.iter().collect();
    schemes.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let share = |bytes: u64| 100.0 * bytes as f64 / part.bytes as f64;
    schemes.iter().map(|&(name, &bytes)| format!("{name} {:.1} %", share(bytes))).collect::<Vec<_>>().join(", ")
}
