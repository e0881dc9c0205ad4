//! `cargo xtask eval demo`: measures the demo model on recordings whose sounds are known.

mod af2;
mod choices;
mod confidence;
mod diagram;
mod events;
mod hours;
mod places;
mod recordings;
mod sets;
mod statistics;

use crate::{
    prepare,
    recipe::{Recipe, text},
    run,
};
use af2::Af2;
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options of `cargo xtask eval`.
#[derive(Args)]
pub struct Options {
    /// What to evaluate
    #[arg(value_enum)]
    what: What,
    /// What of it to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Answers])]
    parts: Vec<Part>,
    /// A converted model
    #[arg(long, default_value = "weights/demo/model")]
    model: PathBuf,
    /// Recordings with questions, as `cargo xtask sounds scenes` writes them
    #[arg(long, default_value = "target/demo/recordings")]
    recordings: PathBuf,
    /// Hours of audio, as `cargo xtask sounds hours` writes them
    #[arg(long, default_value = "target/demo/hours")]
    hours: PathBuf,
    /// Length of the file that is captioned and searched
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// Where to draw the reliability diagram
    #[arg(long, default_value = "target/demo/reliability.svg")]
    diagram: PathBuf,
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
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Demo,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Right answers by question type, beside a blind control: `af2 eval demo`
    Answers,
    /// Multiple choice and yes or no: greedy answers beside `af2 choose`
    Choices,
    /// Calibration of the confidence
    Confidence,
    /// Whether `af2 ask --where` points at the sound
    Places,
    /// Captions and search on an hour of audio
    Hours,
    /// Peak memory of captions at 10 minutes and at 2 hours
    Memory,
}

/// Measures the chosen parts and prints tables.
pub fn run(options: &Options) -> Result<()> {
    let What::Demo = options.what;
    if options.pytorch {
        return with_pytorch(options);
    }
    if options.engine == "gpu" {
        prepare::ensure(&[prepare::VULKAN], options.yes)?;
    }
    let af2 = Af2::new(&options.model, options.af2.as_deref(), &options.engine)?;
    options.parts.iter().try_for_each(|part| measure(*part, options, &af2))
}

fn measure(part: Part, options: &Options, af2: &Af2) -> Result<()> {
    let (folder, hours) = (&options.recordings, &options.hours);
    let recordings = || recordings::read(folder);
    match part {
        Part::Answers => af2.benchmark("demo", folder),
        Part::Choices => choices::evaluate(af2, folder, &recordings()?),
        Part::Confidence => confidence::evaluate(af2, folder, &recordings()?, &options.diagram),
        Part::Places => places::evaluate(af2, folder, &recordings()?),
        Part::Hours => hours::evaluate(af2, hours, options.minutes),
        Part::Memory => hours::memory(af2, hours, &[10, 120]),
    }
}

fn with_pytorch(options: &Options) -> Result<()> {
    let recipe = Recipe::prepare(options.yes)?;
    recipe.require("bank.npz", "bank")?;
    let (work, scale) = (recipe.work(), options.scale.to_string());
    recipe.stage("evaluate.py", &[text(&work)?, text(&run::root().join(&options.model))?, "--scale", &scale])
}
