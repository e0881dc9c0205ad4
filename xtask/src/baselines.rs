//! `cargo xtask speed --rivals`: the engines beside others, which come from package registries into target/baselines.
//!
//! Every row names what it lacks if it cannot be measured here. Nothing of the others is built from source or shipped.

use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The version that was measured in the speed log.
const LLAMA: &str = "3.22.1";

/// Most time of one run of one engine.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs of each engine, in turn; the fastest counts.
const ROUNDS: usize = 3;

/// Tokens of a run.
const TOKENS: &str = "32";

/// How many times llama.cpp's time per weight is the goal.
const GOAL: f64 = 1.5;

/// A line of the table.
struct Row {
    what: String,
    unit: &'static str,
    ours: f64,
    baseline: f64,
    target: f64,
}

/// Measures every row that can be had here and writes `baselines.md` and `baselines.json` to `out`. `model` is a converted 0.5B.
pub fn run(root: &Path, model: &Path, out: &Path) -> Result<()> {
    let folder = run::target(root).join("baselines");
    fs::create_dir_all(&folder)?;
    let mut rows = Vec::new();
    for threads in [("1", "one thread"), ("2", "two threads")] {
        match decoding(root, &folder, &root.join(model), threads) {
            Ok(measured) => rows.extend(measured),
            Err(error) => eprintln!("skipped: decoding on the CPU, {}: {error:#}", threads.1),
        }
    }
    let table = table(&rows);
    fs::create_dir_all(out)?;
    fs::write(out.join("baselines.md"), &table)?;
    fs::write(out.join("baselines.json"), serde_json::to_vec_pretty(&rows.iter().map(Row::json).collect::<Vec<_>>())?)?;
    print!("\n{table}");
    Ok(())
}

/// Our CPU engine beside llama.cpp, both with random 4-bit weights. llama.cpp decodes the same dimensions without the cross-attention, so times
/// are compared per weight.
fn decoding(root: &Path, folder: &Path, model: &Path, (threads, said): (&str, &str)) -> Result<[Row; 2]> {
    let config: Value = serde_json::from_slice(&fs::read(model.join("config.json"))?)?;
    let (text, all) = weights(&config).context("config.json lacks a dimension")?;
    let (node, file) = (llama(folder)?, gguf(root, folder, model)?);
    run::run(root, "cargo", &["build", "--locked", "--release", "-p", "af2-cpu", "--example", "cpu_rates"])?;
    let cpu_rates = run::target(root).join("release/examples/cpu_rates");
    let script = root.join("tests/speed/llama/decode.mjs");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut command = Command::new(&cpu_rates);
        ours.push(json_of(command.arg(model).arg(TOKENS).env("RAYON_NUM_THREADS", threads))?);
        let mut command = Command::new("node");
        theirs.push(json_of(command.arg(&script).arg(&file).args([TOKENS, threads]).current_dir(&node))?);
    }
    let per_weight = |runs: &[Value], weights: f64| 1e9 * least(runs, "token") / weights;
    let bytes = bytes_of(model, "safetensors")?;
    Ok([
        Row {
            what: format!("a token of the 0.5B at 4 bits on the CPU, {said}, per weight"),
            unit: "ns",
            ours: per_weight(&ours, all),
            baseline: per_weight(&theirs, text),
            target: GOAL,
        },
        Row {
            what: format!("peak memory, {said}, per byte of the model"),
            unit: "B",
            ours: least(&ours, "peak_bytes") / bytes,
            baseline: least(&theirs, "peak_bytes") / fs::metadata(&file)?.len() as f64,
            target: 1.0,
        },
    ])
}

/// Weights that a token is multiplied with: those of the text decoder, and those with the cross-attention.
fn weights(config: &Value) -> Option<(f64, f64)> {
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

/// The folder with llama.cpp's published build for Node.
fn llama(folder: &Path) -> Result<PathBuf> {
    let node = folder.join("node");
    if !node.join("node_modules/node-llama-cpp/package.json").exists() {
        fs::create_dir_all(&node)?;
        fs::write(node.join("package.json"), r#"{ "private": true }"#)?;
        // Scripts would build it from source where the published build does not run.
        let flags = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional"];
        let platform = platform()?;
        for package in [format!("node-llama-cpp@{LLAMA}"), format!("@node-llama-cpp/{platform}@{LLAMA}")] {
            run::run(&node, "npm", &[&flags[..], &[&package]].concat())?;
        }
    }
    Ok(node)
}

fn platform() -> Result<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("linux-x64"),
        ("linux", "aarch64") => Ok("linux-arm64"),
        (system, cpu) => bail!("no peak memory of a process is read on {system}, {cpu}"),
    }
}

/// Random weights in llama.cpp's format, written once.
fn gguf(root: &Path, folder: &Path, model: &Path) -> Result<PathBuf> {
    let (python, file) = (folder.join("python"), folder.join("decoder-q4_0.gguf"));
    if !file.exists() {
        let path = |path: &Path| path.display().to_string();
        if !python.join("bin/pip").exists() {
            run::run(root, "python3", &["-m", "venv", &path(&python)])?;
        }
        run::run(root, &path(&python.join("bin/pip")), &["install", "--quiet", "gguf", "numpy"])?;
        let part = file.with_extension("part");
        let script = "tests/speed/llama/gguf_model.py";
        run::run(root, &path(&python.join("bin/python")), &[script, &path(model), &path(&part)])?;
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

fn least(runs: &[Value], name: &str) -> f64 {
    runs.iter().filter_map(|run| run[name].as_f64()).fold(f64::NAN, f64::min)
}

/// The JSON object on a program's last line.
fn json_of(command: &mut Command) -> Result<Value> {
    let line = format!("{command:?}");
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().with_context(|| format!("cannot start {line}"))?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("{line} took more than {} s", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{line} failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim().lines().next_back().unwrap_or_default())
        .with_context(|| format!("{line} printed no JSON"))
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours / self.baseline
    }

    fn json(&self) -> Value {
        let Self { what, unit, ours, baseline, target } = self;
        json!({ "what": what, "unit": unit, "ours": ours, "baseline": baseline, "ratio": self.ratio(), "target": target })
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("| | ours | llama.cpp | ratio | target |\n|---|---|---|---|---|\n");
    for row in rows {
        let Row { what, unit, ours, baseline, target } = row;
        text += &format!("| {what} | {ours:.4} {unit} | {baseline:.4} {unit} | {:.2} | ≤ {target} |\n", row.ratio());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_fastest_run_counts() {
        let runs = [json!({ "token": 3.0 }), json!({ "token": 2.0 }), json!({})];
        assert_eq!(least(&runs, "token"), 2.0);
        assert!(least(&runs, "peak_bytes").is_nan());
    }
}
