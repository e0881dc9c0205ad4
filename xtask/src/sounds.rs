//! `cargo xtask sounds`: prepares the recordings that the demo model is trained on and evaluated with.

use crate::{
    prepare,
    recipe::{Recipe, text},
};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Options of `cargo xtask sounds`.
#[derive(Args)]
pub struct Options {
    /// Install what is missing without asking
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    stage: Stage,
}

#[derive(Subcommand)]
enum Stage {
    /// Downloads and unpacks the packages of sounds (about 4 GB) into target/demo
    Fetch(Held),
    /// Renders, cuts and labels them: target/demo/bank.npz
    Bank(Held),
    /// Mixes hours of audio with known events: 10, 60 and 120 minutes
    Hours,
    /// Mixes recordings for evaluation, with questions and true answers
    Scenes(Scenes),
}

#[derive(Args)]
struct Held {
    /// Only what evaluation on held-out sources needs (0.7 GB)
    #[arg(long)]
    held: bool,
}

impl Held {
    fn flag(&self) -> &[&str] {
        if self.held { &["--held"] } else { &[] }
    }
}

#[derive(Args)]
struct Scenes {
    /// Output folder
    #[arg(long, default_value = "target/demo/recordings")]
    out: PathBuf,
    /// Recordings for each of the three sets
    #[arg(long, default_value_t = 40)]
    count: u32,
    /// Add the answers of PyTorch with this model, for comparison with the engine
    #[arg(long)]
    model: Option<PathBuf>,
}

/// Runs one stage.
pub fn run(options: &Options) -> Result<()> {
    if cfg!(not(target_os = "linux")) && matches!(options.stage, Stage::Fetch(_) | Stage::Bank(_)) {
        bail!("the sounds are in packages of Debian: run this stage on Debian or in a container of it");
    }
    let recipe = Recipe::prepare(options.yes)?;
    let work = recipe.work();
    match &options.stage {
        Stage::Fetch(held) => recipe.stage("bank.py", &[&["fetch", text(&work)?], held.flag()].concat()),
        Stage::Bank(held) => {
            prepare::ensure(&[prepare::SYNTHESISERS], options.yes)?;
            recipe.require("x", "fetch")?;
            recipe.stage("bank.py", &[&["build", text(&work)?], held.flag()].concat())
        }
        Stage::Hours => hours(&recipe),
        Stage::Scenes(scenes) => mix(&recipe, scenes),
    }
}

fn mix(recipe: &Recipe, scenes: &Scenes) -> Result<()> {
    recipe.require("bank.npz", "bank")?;
    let (work, count) = (recipe.work(), scenes.count.to_string());
    let mut arguments = vec![text(&work)?, text(&scenes.out)?, "--count", &count];
    if let Some(model) = &scenes.model {
        arguments.extend(["--model", text(model)?]);
    }
    recipe.stage("recordings.py", &arguments)
}

fn hours(recipe: &Recipe) -> Result<()> {
    recipe.require("bank.npz", "bank")?;
    let (work, out) = (recipe.work(), recipe.work().join("hours"));
    let mix = |minutes| recipe.stage("hours.py", &[text(&work)?, text(&out)?, "--minutes", minutes]);
    ["10", "60", "120"].into_iter().try_for_each(mix)
}
