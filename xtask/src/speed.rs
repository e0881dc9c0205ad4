//! `cargo xtask speed`: the golden tests on this machine's GPU, then every released size measured with made-up weights.

use crate::run;
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
    /// Sizes to make up and measure
    #[arg(long, value_delimiter = ',', default_values_t = ["0.5b".to_owned(), "1.5b".to_owned(), "3b".to_owned()])]
    sizes: Vec<String>,
    /// Measure these converted models instead
    #[arg(long, value_name = "DIR")]
    model: Vec<PathBuf>,
    /// Windows of sound in memory while answering
    #[arg(long, default_value = "1,12,30")]
    windows: String,
    /// Tokens of an answer
    #[arg(long, default_value = "64")]
    tokens: String,
    /// Where results go
    #[arg(long, default_value = "target/speed")]
    out: PathBuf,
    /// A built `af2`, for machines without cargo
    #[arg(long, value_name = "FILE")]
    af2: Option<PathBuf>,
    /// A built golden test of `tests/`, likewise
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// Leave the golden tests out
    #[arg(long)]
    no_golden: bool,
}

/// Checks, measures, and leaves one JSON file per model and a table of all.
pub fn run(options: &Options) -> Result<()> {
    let root = run::root();
    fs::create_dir_all(root.join(&options.out))?;
    let af2 = binary(&root, options)?;
    if !options.no_golden {
        golden(&root, options)?;
    }
    let mut models = options.model.clone();
    if models.is_empty() {
        models = options.sizes.iter().map(|size| made_up(&root, &af2, size)).collect::<Result<_>>()?;
    }
    let reports: Vec<Value> = models.iter().map(|model| measure(&root, &af2, options, model)).collect::<Result<_>>()?;
    let table = table(&reports);
    fs::write(root.join(&options.out).join("speed.md"), &table)?;
    print!("\n{table}");
    Ok(())
}

fn binary(root: &Path, options: &Options) -> Result<String> {
    if let Some(af2) = &options.af2 {
        return Ok(af2.display().to_string());
    }
    run::run(root, "cargo", &["build", "--locked", "--release", "-p", "af2-cli"])?;
    Ok(root.join("target/release/af2").display().to_string())
}

fn golden(root: &Path, options: &Options) -> Result<()> {
    match &options.golden {
        Some(file) => run::run(root, &file.display().to_string(), &[]),
        None => run::run(root, "cargo", &["test", "--locked", "--release", "-p", "af2-tests", "--test", "golden"]),
    }
}

/// The converted model of a size; made once.
fn made_up(root: &Path, af2: &str, size: &str) -> Result<PathBuf> {
    let folder = PathBuf::from("target/synth").join(size);
    if !root.join(&folder).join("model.safetensors.index.json").exists() {
        run::run(root, af2, &["synth", size, &folder.display().to_string(), "--converted", "q4"])?;
    }
    Ok(folder)
}

fn measure(root: &Path, af2: &str, options: &Options, model: &Path) -> Result<Value> {
    let folder = model.display().to_string();
    let arguments = ["bench", &folder, "--json", "--windows", &options.windows, "--tokens", &options.tokens];
    eprintln!("$ {af2} {}", arguments.join(" "));
    let output = Command::new(af2)
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {af2}"))?;
    if !output.status.success() {
        bail!("measuring {folder} failed ({})", output.status);
    }
    let report: Value = serde_json::from_slice(&output.stdout).context("the bench printed no JSON")?;
    let name = report["model"].as_str().unwrap_or("model");
    fs::write(root.join(&options.out).join(format!("{name}.json")), &output.stdout)?;
    Ok(report)
}

/// One line per model and length of sound.
fn table(reports: &[Value]) -> String {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let mut text = String::from(
        "| model | adapter | windows | encode a window, ms | memory, ms | first token, ms | tokens/s | % of copy rate |\n|---|---|---|---|---|---|---|---|\n",
    );
    for report in reports {
        let (model, adapter) = (report["model"].as_str().unwrap_or(""), report["adapter"].as_str().unwrap_or(""));
        let encode = 1e3 * number(&report["encode"]["seconds"]);
        for context in report["contexts"].as_array().into_iter().flatten() {
            text += &format!(
                "| {model} | {adapter} | {} | {encode:.2} | {:.2} | {:.2} | {:.2} | {:.1} |\n",
                context["windows"],
                1e3 * number(&context["memory_seconds"]),
                1e3 * number(&context["first_token_seconds"]),
                number(&context["tokens_per_second"]),
                100.0 * number(&context["of_copy"]),
            );
        }
    }
    text
}
