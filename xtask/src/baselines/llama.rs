//! Decoding on the CPU beside llama.cpp.

use super::{Places, in_turn, least, table::Row};
use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The version that was measured in the speed log.
const LLAMA: &str = "3.22.1";

/// Tokens of a run.
const TOKENS: &str = "32";

/// How many times llama.cpp's time per weight is the goal.
const GOAL: f64 = 1.5;

/// Our CPU engine beside llama.cpp, both with random 4-bit weights. llama.cpp decodes the same dimensions without the cross-attention, so times
/// are compared per weight.
pub fn decoding(places: &Places, threads: &str) -> Result<Vec<Row>> {
    let (text, all) = weights(&places.config).context("config.json lacks a dimension")?;
    let platform = platform()?;
    let node =
        places.npm("node", &[format!("node-llama-cpp@{LLAMA}"), format!("@node-llama-cpp/{platform}@{LLAMA}")])?;
    let file = gguf(places)?;
    let mut theirs = Command::new("node");
    theirs.arg(places.root.join("tests/speed/llama/decode.mjs")).arg(&file).args([TOKENS, threads]).current_dir(&node);
    let [ours, theirs] = in_turn(&mut places.cpu_rates(TOKENS, threads)?, &mut theirs)?;
    let per_weight = |runs: &[Value], weights: f64| 1e9 * least(runs, "token") / weights;
    let bytes = bytes_of(&places.model, "safetensors")?;
    let row = |what, unit, ours, theirs, target| Row { what, baseline: "llama.cpp", unit, ours, theirs, target };
    Ok(vec![
        row(
            format!("a token of the 0.5B at 4 bits on the CPU, threads: {threads}, per weight"),
            "ns",
            per_weight(&ours, all),
            per_weight(&theirs, text),
            GOAL,
        ),
        row(
            format!("peak memory, threads: {threads}, per byte of the model"),
            "B",
            least(&ours, "peak_bytes") / bytes,
            least(&theirs, "peak_bytes") / fs::metadata(&file)?.len() as f64,
            1.0,
        ),
    ])
}

/// Weights that a token is multiplied with: those of the text decoder, and those with the cross-attention.
pub fn weights(config: &Value) -> Option<(f64, f64)> {
    let number = |part: &str, name: &str| config[part][name].as_f64();
    let text = |name: &str| number("text", name);
    let (width, head) = (text("hidden_size")?, text("head_dim")?);
    let (queries, keys) = (text("num_attention_heads")? * head, text("num_key_value_heads")? * head);
    let layer = width * (2.0 * queries + 2.0 * keys + 3.0 * text("intermediate_size")?);
    let cross = |name: &str| number("cross_attention", name);
    let block = 2.0 * width * (cross("num_heads")? * cross("head_dim")? + cross("ff_inner")?);
    let (layers, head) = (text("num_hidden_layers")?, text("vocab_size")? * width);
    let blocks = (layers / cross("every_n_layers")?).ceil();
    Some((layers * layer + head, layers * layer + blocks * block + head))
}

fn platform() -> Result<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("linux-x64"),
        ("linux", "aarch64") => Ok("linux-arm64"),
        (system, cpu) => bail!("no peak memory of a process is read on {system}, {cpu}"),
    }
}

/// Random weights in llama.cpp's format, written once.
pub fn gguf(places: &Places) -> Result<PathBuf> {
    let file = places.folder.join("text-decoder-q4_0.gguf");
    if !file.exists() {
        let python = places.python("python", &["gguf", "numpy"])?.display().to_string();
        let part = file.with_extension("part");
        let path = |path: &Path| path.display().to_string();
        let script = "tests/speed/llama/gguf_model.py";
        run::run(&places.root, &python, &[script, &path(&places.model), &path(&part)])?;
        fs::rename(part, &file)?;
    }
    Ok(file)
}

fn bytes_of(folder: &Path, extension: &str) -> Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|found| found == extension) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_weights_of_a_token_are_counted() {
        let config = json!({
            "text": { "hidden_size": 4, "head_dim": 2, "num_attention_heads": 3, "num_key_value_heads": 1, "intermediate_size": 5,
                      "num_hidden_layers": 3, "vocab_size": 10 },
            "cross_attention": { "num_heads": 2, "head_dim": 2, "ff_inner": 8, "every_n_layers": 2 },
        });
        let layer = 4 * (6 + 2 + 2 + 6 + 3 * 5);
        let block = 4 * (4 + 4 + 8 + 8);
        assert_eq!(weights(&config), Some(((3 * layer + 40) as f64, (3 * layer + 2 * block + 40) as f64)));
        assert_eq!(weights(&json!({})), None);
    }
}
