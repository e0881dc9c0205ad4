//! The encoder on the CPU beside PyTorch.

use super::{Places, ROUNDS, in_turn, least, table::Row};
use anyhow::{Context, Result};
use std::process::Command;

/// A window of ten seconds, from samples to the audio's keys and values, beside the same network in PyTorch, in float32 with random weights.
pub fn encoding(places: &Places, threads: &str) -> Result<Vec<Row>> {
    let python = places.python("pytorch", &["torch", "numpy"])?;
    let mut theirs = Command::new(python);
    theirs.arg(places.root.join("tests/speed/encoder.py")).arg(&places.model).arg(threads);
    let [ours, theirs] = in_turn(&mut places.cpu_rates("2", threads), &mut theirs, ROUNDS)?;
    let macs = theirs.iter().find_map(|run| run["macs"].as_f64()).context("PyTorch counted no multiplications")?;
    Ok(vec![Row {
        what: format!("a window through the encoder, threads: {threads}, per multiply-accumulate"),
        baseline: "PyTorch",
        unit: "ps",
        ours: 1e12 * least(&ours, "window") / macs,
        theirs: 1e12 * least(&theirs, "window") / macs,
        target: 1.0,
    }])
}
