//! Decoding beside llama.cpp, on the CPU and on the GPU.

use super::{Places, ROUNDS, in_turn, least, table::Row};
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

/// Tokens of a run on the CPU.
const TOKENS: &str = "32";

/// How many times llama.cpp's time per weight is the goal on the CPU.
const GOAL: f64 = 1.5;

/// Tokens of a run on the GPU, which may be a software adapter.
const TOKENS_ON_GPU: &str = "8";

/// Runs of each engine on the GPU, each with a first one that compiles.
const ROUNDS_ON_GPU: usize = 2;

/// Tokens of the prompt on the GPU, those of decode.mjs.
const PROMPT: usize = 40;

/// How many times a token without beams one with four may take.
const GOAL_OF_BEAMS: f64 = 1.6;

/// Our CPU engine beside llama.cpp, both with random 4-bit weights. llama.cpp decodes the same dimensions without the cross-attention, so times
/// are compared per weight.
pub fn decoding(places: &Places, threads: &str) -> Result<Vec<Row>> {
    let (text, all) = weights(&places.config).context("config.json lacks a dimension")?;
    let file = gguf(places)?;
    let mut theirs = decode(places, platform()?, &file, [TOKENS, threads])?;
    let [ours, theirs] = in_turn(&mut places.cpu_rates(TOKENS, threads), &mut theirs, ROUNDS)?;
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

/// Our GPU engine beside llama.cpp's for Vulkan, per weight as in [`decoding`], and a token of four beams beside one without.
pub fn on_the_gpu(places: &Places) -> Result<Vec<Row>> {
    let (text, all) = weights(&places.config).context("config.json lacks a dimension")?;
    let head = head(&places.config).context("config.json lacks a dimension")?;
    let mut theirs = decode(places, &format!("{}-vulkan", platform()?), &gguf(places)?, [TOKENS_ON_GPU, "vulkan"])?;
    theirs.env("GGML_VK_VISIBLE_DEVICES", "0"); // asked for by number, a software adapter is taken too
    let mut ours = Command::new(&places.af2);
    ours.arg("bench").arg(&places.model).args(["--windows", "1", "--tokens", TOKENS_ON_GPU, "--json"]);
    ours.args(["--prompt-tokens", &PROMPT.to_string()]).current_dir(&places.root);
    let [ours, theirs] = in_turn(&mut ours, &mut theirs, ROUNDS_ON_GPU)?;
    let contexts: Vec<Value> = ours.iter().map(|report| report["contexts"][0].clone()).collect();
    let beams: Vec<Value> = ours.iter().map(|report| report["beams"].clone()).collect();
    // Of a prompt only the last token is multiplied with the head.
    let of_prompt = |weights: f64| PROMPT as f64 * (weights - head) + head;
    let token = least(&contexts, "seconds_per_token");
    let row = |what: &str, baseline, unit, ours, theirs, target| Row {
        what: what.to_owned(),
        baseline,
        unit,
        ours,
        theirs,
        target,
    };
    Ok(vec![
        row(
            "a token of the 0.5B at 4 bits on the GPU, per weight",
            "llama.cpp, Vulkan",
            "ns",
            1e9 * token / all,
            1e9 * least(&theirs, "token") / text,
            1.0,
        ),
        row(
            "40 tokens of a prompt on the GPU, per multiply-accumulate",
            "llama.cpp, Vulkan",
            "ns",
            1e9 * least(&contexts, "first_token_seconds") / of_prompt(all),
            1e9 * least(&theirs, "prompt") / of_prompt(text),
            1.0,
        ),
        row(
            "a token with 4 beams on the GPU",
            "without beams",
            "s",
            least(&beams, "seconds_per_token"),
            token,
            GOAL_OF_BEAMS,
        ),
    ])
}

/// llama.cpp's program for this platform.
fn decode(places: &Places, platform: &str, file: &Path, tokens_and_device: [&str; 2]) -> Result<Command> {
    let packages = [format!("node-llama-cpp@{LLAMA}"), format!("@node-llama-cpp/{platform}@{LLAMA}")];
    let folder = places.npm("node", &packages)?;
    let mut command = Command::new("node");
    command.arg(places.root.join("tests/speed/llama/decode.mjs")).arg(file).args(tokens_and_device);
    command.current_dir(folder);
    Ok(command)
}

/// Weights that a token is multiplied with: those of the text decoder, and those with the cross-attention.
pub fn weights(config: &Value) -> Option<(f64, f64)> {
    let number = |part: &str, name: &str| config[part][name].as_f64();
    let text = |name: &str| number("text", name);
    let (width, head_dim) = (text("hidden_size")?, text("head_dim")?);
    let (queries, keys) = (text("num_attention_heads")? * head_dim, text("num_key_value_heads")? * head_dim);
    let layer = width * (2.0 * queries + 2.0 * keys + 3.0 * text("intermediate_size")?);
    let cross = |name: &str| number("cross_attention", name);
    let block = 2.0 * width * (cross("num_heads")? * cross("head_dim")? + cross("ff_inner")?);
    let (layers, head) = (text("num_hidden_layers")?, head(config)?);
    let blocks = (layers / cross("every_n_layers")?).ceil();
    Some((layers * layer + head, layers * layer + blocks * block + head))
}

/// Weights of the language model's head.
pub fn head(config: &Value) -> Option<f64> {
    Some(config["text"]["vocab_size"].as_f64()? * config["text"]["hidden_size"].as_f64()?)
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
