//! `cargo xtask speed`: the golden tests on this machine's GPU, then every released size measured with random weights.

use crate::{baselines, run};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Options of `cargo xtask speed`.
#[derive(Args)]
pub struct Options {
    /// Released sizes to measure, with random weights
    #[arg(long, value_delimiter = ',', default_values_t = ["0.5b".to_owned(), "1.5b".to_owned(), "3b".to_owned()])]
    sizes: Vec<String>,
    /// Measure these converted models instead
    #[arg(long, value_name = "DIR")]
    model: Vec<PathBuf>,
    /// Windows of audio that the answer attends to
    #[arg(long, default_value = "1,12,30")]
    windows: String,
    /// Tokens of an answer
    #[arg(long, default_value = "64")]
    tokens: String,
    /// Folder for the results
    #[arg(long, default_value = "target/speed")]
    out: PathBuf,
    /// Use this `af2` binary instead of building one
    #[arg(long, value_name = "FILE")]
    af2: Option<PathBuf>,
    /// Use this binary of the golden tests instead of building one
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// Skip the golden tests
    #[arg(long)]
    no_golden: bool,
    /// Measure burn-wgpu too, with the first number of windows (compiles for minutes)
    #[arg(long)]
    burn: bool,
    /// Measure the original's decoding in PyTorch too, with this Python
    #[arg(long, value_name = "FILE")]
    pytorch: Option<PathBuf>,
    /// Compare with other engines instead, which are installed into target/baselines (npm, Node.js and Python needed); with a text, only
    /// measurements whose name contains it ("on the GPU", "in a tab")
    #[arg(long = "rivals", value_name = "TEXT", num_args = 0..=1, default_missing_value = "")]
    baselines: Option<String>,
}

/// Runs the golden tests, measures, and writes one JSON file per model and one table of all.
pub fn run(options: &Options) -> Result<()> {
    let root = run::root();
    fs::create_dir_all(root.join(&options.out))?;
    let af2 = binary(&root, options)?;
    if let Some(wanted) = &options.baselines {
        let model = options.model.first().cloned().map_or_else(|| random_model(&root, &af2, "0.5b"), Ok)?;
        return baselines::run(&root, wanted, &af2, &model, &root.join(&options.out));
    }
    if !options.no_golden {
        golden(&root, options)?;
    }
    let mut models = options.model.clone();
    if models.is_empty() {
        models = options.sizes.iter().map(|size| random_model(&root, &af2, size)).collect::<Result<_>>()?;
    }
    let reports: Vec<Value> = models.iter().map(|model| measure(&root, &af2, options, model)).collect::<Result<_>>()?;
    let table = table(&reports);
    fs::write(root.join(&options.out).join("speed.md"), &table)?;
    print!("\n{table}");
    Ok(())
}

fn binary(root: &Path, options: &Options) -> Result<String> {
    let build =
        |arguments: &[&str]| run::run(root, "cargo", &[&["build", "--locked", "--release"], arguments].concat());
    let example: &[&str] =
        if options.baselines.is_some() { &["-p", "af2-cpu", "--example", baselines::CPU_RATES] } else { &[] };
    if let Some(af2) = &options.af2 {
        if !example.is_empty() {
            build(example)?;
        }
        return Ok(af2.display().to_string());
    }
    let features: &[&str] = if options.burn { &["--features", "burn-wgpu"] } else { &[] };
    // In one build: alone, the example's dependencies would get other features and be compiled again.
    build(&[&["-p", "af2-cli", "--bins"], example, features].concat())?;
    Ok(run::target(root).join("release/af2").display().to_string())
}

fn golden(root: &Path, options: &Options) -> Result<()> {
    match &options.golden {
        Some(file) => run::run(root, &file.display().to_string(), &[]),
        None => run::run(root, "cargo", &["test", "--locked", "--release", "-p", "af2-tests", "--test", "golden"]),
    }
}

/// The converted model of a size with random weights; created once.
fn random_model(root: &Path, af2: &str, size: &str) -> Result<PathBuf> {
    let folder = PathBuf::from("target/synth").join(size);
    if !root.join(&folder).join("model.safetensors.index.json").exists() {
        run::run(root, af2, &["synth", size, &folder.display().to_string(), "--converted", "q4"])?;
    }
    Ok(folder)
}

fn measure(root: &Path, af2: &str, options: &Options, model: &Path) -> Result<Value> {
    let folder = model.display().to_string();
    let mut arguments = vec!["bench", &folder, "--json", "--windows", &options.windows, "--tokens", &options.tokens];
    if options.burn {
        arguments.extend(["--baseline", "burn"]);
    }
    let mut report = json_of(root, af2, &arguments)?;
    if let Some(python) = &options.pytorch {
        let arguments = ["tests/speed/pytorch.py", &folder, "--windows", &options.windows];
        report["pytorch"] = json_of(root, &python.display().to_string(), &arguments)?;
    }
    let name = report["model"].as_str().unwrap_or("model");
    fs::write(root.join(&options.out).join(format!("{name}.json")), report.to_string())?;
    Ok(report)
}

/// The JSON object that a command prints.
fn json_of(root: &Path, command: &str, arguments: &[&str]) -> Result<Value> {
    eprintln!("$ {command} {}", arguments.join(" "));
    let output = Command::new(command)
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {command}"))?;
    if !output.status.success() {
        bail!("{command} {} failed ({})", arguments.join(" "), output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command} printed no JSON"))
}

/// One row per model and number of windows.
fn table(reports: &[Value]) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let mut text = String::from(
        "| model | adapter | windows | encode a window, ms | audio KV, ms | first token, ms | tokens/s | % of copy rate | speed-up over burn-wgpu | over PyTorch |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for report in reports {
        let (model, adapter) = (report["model"].as_str().unwrap_or(""), report["adapter"].as_str().unwrap_or(""));
        let encode = 1e3 * number(&report["encode"]["seconds"]);
        for context in report["contexts"].as_array().into_iter().flatten() {
            let windows = &context["windows"];
            let burn = report["baseline"]["token_ratio"].as_f64().filter(|_| report["baseline"]["windows"] == *windows);
            let published = report["pytorch"]["tokens_per_second"]["published"][windows.to_string()].as_f64();
            let pytorch = published.map(|rate| number(&context["tokens_per_second"]) / rate);
            let times = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.1}"));
            text += &format!(
                "| {model} | {adapter} | {windows} | {encode:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {} | {} |\n",
                1e3 * number(&context["audio_kv_seconds"]),
                1e3 * number(&context["first_token_seconds"]),
                number(&context["tokens_per_second"]),
                100.0 * number(&context["of_copy"]),
                times(burn),
                times(pytorch),
            );
        }
    }
    text
}
