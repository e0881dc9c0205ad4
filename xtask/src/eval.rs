//! `cargo xtask eval demo`: how often the shipped model is right, and how often it would be without listening.

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
    /// What is judged
    #[arg(value_enum)]
    what: What,
    /// A converted model
    #[arg(long, default_value = "weights/demo/model")]
    model: PathBuf,
    /// Recordings with questions, as `cargo xtask sounds scenes` writes them
    #[arg(long, default_value = "target/demo/recordings")]
    recordings: PathBuf,
    /// An `af2` that is built already
    #[arg(long)]
    program: Option<PathBuf>,
    /// Judge with PyTorch instead of the engine: many more recordings, mixed anew from target/demo/bank.npz
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

/// Asks every question of every recording, and the questions of its neighbour, and prints the accuracies.
pub fn run(options: &Options) -> Result<()> {
    let What::Demo = options.what;
    if options.pytorch {
        return with_pytorch(options);
    }
    let recordings = answers::read(&options.recordings)?;
    prepare::ensure(&[prepare::VULKAN], options.yes)?;
    let answerer = Answerer::new(&options.model, options.program.as_deref())?;
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

/// For each recording the next of its set and kind, whose questions are put to it blindly.
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
