//! `cargo xtask eval demo`: measures the accuracy of the demo model, beside a blind control that hears another recording.

mod answers;
mod tally;

use crate::{
    prepare,
    recipe::{Recipe, text},
    run,
};
use answers::{Answerer, Recording};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tally::Tally;

/// Options of `cargo xtask eval`.
#[derive(Args)]
pub struct Options {
    /// What to evaluate
    #[arg(value_enum)]
    what: What,
    /// A converted model
    #[arg(long, default_value = "weights/demo/model")]
    model: PathBuf,
    /// Recordings with questions, as `cargo xtask sounds scenes` writes them
    #[arg(long, default_value = "target/demo/recordings")]
    recordings: PathBuf,
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
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Demo,
}

/// Asks every recording its own questions and those of its neighbour, and prints the accuracies.
pub fn run(options: &Options) -> Result<()> {
    let What::Demo = options.what;
    if options.pytorch {
        return with_pytorch(options);
    }
    let recordings = answers::read(&options.recordings)?;
    prepare::ensure(&[prepare::VULKAN], options.yes)?;
    let answerer = Answerer::new(&options.model, options.af2.as_deref())?;
    let mut sets: Vec<(String, Tally)> = Vec::new();
    for (recording, neighbour) in recordings.iter().zip(neighbours(&recordings)) {
        let tally = of_set(&mut sets, &recording.set);
        let said =
            answerer.ask(&options.recordings.join(&recording.file), &recording.questions, &neighbour.questions)?;
        tally.add(recording, neighbour, &said);
        eprint!(".");
    }
    eprintln!();
    sets.iter().for_each(|(set, tally)| println!("\n### {set}\n\n{tally}"));
    Ok(())
}

fn with_pytorch(options: &Options) -> Result<()> {
    let recipe = Recipe::prepare(options.yes)?;
    recipe.require("bank.npz", "bank")?;
    let (work, scale) = (recipe.work(), options.scale.to_string());
    recipe.stage("evaluate.py", &[text(&work)?, text(&run::root().join(&options.model))?, "--scale", &scale])
}

/// For each recording the next one of its set and kind, whose questions are the blind control.
fn neighbours(recordings: &[Recording]) -> Vec<&Recording> {
    let count = recordings.len();
    let next = |i: usize| {
        let own = &recordings[i];
        let like = |other: &&Recording| other.set == own.set && other.kind == own.kind;
        recordings.iter().cycle().skip(i + 1).take(count).find(like).unwrap_or(own)
    };
    (0..count).map(next).collect()
}

fn of_set<'a>(sets: &'a mut Vec<(String, Tally)>, name: &str) -> &'a mut Tally {
    let at = sets.iter().position(|(set, _)| set == name).unwrap_or_else(|| {
        sets.push((name.to_owned(), Tally::default()));
        sets.len() - 1
    });
    &mut sets[at].1
}
