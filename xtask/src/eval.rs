//! `cargo xtask eval demo`: builds `af2`, and runs `af2 eval demo` on recordings whose sounds are known.

use crate::{
    prepare,
    recipe::{Recipe, text},
    run,
};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `cargo xtask eval`.
#[derive(Args)]
pub struct Options {
    /// What to evaluate
    #[arg(value_enum)]
    what: What,
    /// What of it to measure: answers, choices, confidence, places, hours, memory, or all
    #[arg(long, default_value = "answers")]
    parts: String,
    /// A converted model
    #[arg(long, default_value = "weights/demo/model")]
    model: PathBuf,
    /// Recordings with questions, as `cargo xtask sounds scenes` writes them
    #[arg(long, default_value = "target/demo/recordings")]
    recordings: PathBuf,
    /// Folder of the report; an interrupted run resumes from it
    #[arg(long, default_value = "target/demo/report")]
    out: PathBuf,
    /// Engine that answers
    #[arg(long, default_value = "gpu", value_parser = ["gpu", "cpu"])]
    engine: String,
    /// Use this `af2` binary instead of building one
    #[arg(long, value_name = "FILE")]
    af2: Option<PathBuf>,
    /// Evaluate with PyTorch instead of the engine, on many more recordings mixed from target/demo/bank.npz
    #[arg(long)]
    pytorch: bool,
    /// With --pytorch: the share of the 660 recordings of each set
    #[arg(long, default_value_t = 1.0, requires = "pytorch")]
    scale: f64,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Further options of `af2 eval`
    #[arg(last = true)]
    more: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Demo,
}

/// Prepares the machine and evaluates.
pub fn run(options: &Options) -> Result<()> {
    let What::Demo = options.what;
    if options.pytorch {
        return with_pytorch(options);
    }
    if options.engine == "gpu" {
        prepare::ensure(&[prepare::VULKAN], options.yes)?;
    }
    let root = run::root();
    let program = match &options.af2 {
        Some(program) => std::path::absolute(program)?,
        None => {
            run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;
            run::target(&root).join("release/af2")
        }
    };
    let fixed = ["eval", "demo", text(&options.recordings)?, text(&options.model)?, "--out", text(&options.out)?];
    let chosen = ["--parts", options.parts.as_str(), "--engine", options.engine.as_str()];
    let more: Vec<&str> = options.more.iter().map(String::as_str).collect();
    run::run(&root, text(&program)?, &[&fixed[..], &chosen[..], &more[..]].concat())
}

fn with_pytorch(options: &Options) -> Result<()> {
    let recipe = Recipe::prepare(options.yes)?;
    recipe.require("bank.npz", "bank")?;
    let (work, scale) = (recipe.work(), options.scale.to_string());
    recipe.stage("evaluate.py", &[text(&work)?, text(&run::root().join(&options.model))?, "--scale", &scale])
}
