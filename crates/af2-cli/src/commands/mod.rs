//! The subcommands, one file each: arguments and what is printed.

mod ask;
mod batch;
mod bench;
mod captions;
mod choose;
mod convert;
mod doctor;
mod eval;
mod index;
mod inspect;
mod listen;
mod models;
mod options;
mod pull;
mod search;
mod self_test;
mod serve;
mod synth;
mod trace;
mod tune;

use clap::Subcommand;

/// What `af2` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask questions about an audio file.
    Ask(ask::Arguments),
    /// Ask about many audio files, from a list, as JSON lines.
    Batch(batch::Arguments),
    /// Measure a model on this machine, beside what the device can do.
    Bench(bench::Arguments),
    /// Write captions of an audio file of any length: subtitles, labels or a table.
    Captions(captions::Arguments),
    /// Choose among texts: how likely each is as the answer.
    Choose(choose::Arguments),
    /// Convert an official release for use here.
    Convert(convert::Arguments),
    /// List GPUs and test whether they compute what they should.
    Doctor(doctor::Arguments),
    /// Measure a model as published benchmarks do, and compare runs.
    Eval(Box<eval::Arguments>),
    /// Encode audio files into an index that can be searched.
    Index(index::Arguments),
    /// Describe a converted model.
    Inspect(inspect::Arguments),
    /// List, verify or remove pulled models.
    Models(models::Arguments),
    /// Fetch a model from a hub and convert it on the way.
    Pull(pull::Arguments),
    /// Find a described sound in an index.
    Search(search::Arguments),
    /// Answer over HTTP, with the interface of OpenAI's chat completions.
    Serve(serve::Arguments),
    /// Write a random checkpoint of a released size.
    Synth(synth::Arguments),
    /// Write every intermediate of one question to a file.
    Trace(trace::Arguments),
    /// Measure which kernels are fastest on a GPU, and store the result.
    Tune(tune::Arguments),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// Anything that stops the command, as one line that names the cause and a remedy.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Ask(arguments) => ask::run(arguments),
            Command::Batch(arguments) => batch::run(arguments),
            Command::Bench(arguments) => bench::run(arguments),
            Command::Captions(arguments) => captions::run(arguments),
            Command::Choose(arguments) => choose::run(arguments),
            Command::Convert(arguments) => convert::run(arguments),
            Command::Doctor(arguments) => doctor::run(arguments),
            Command::Eval(arguments) => eval::run(*arguments),
            Command::Index(arguments) => index::run(arguments),
            Command::Inspect(arguments) => inspect::run(arguments),
            Command::Models(arguments) => models::run(arguments),
            Command::Pull(arguments) => pull::run(arguments),
            Command::Search(arguments) => search::run(arguments),
            Command::Serve(arguments) => serve::run(arguments),
            Command::Synth(arguments) => synth::run(arguments),
            Command::Trace(arguments) => trace::run(arguments),
            Command::Tune(arguments) => tune::run(arguments),
        }
    }
}
