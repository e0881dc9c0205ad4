//! `af2 ask MODEL AUDIO QUESTION…`: answers, streamed as they are made.

use std::collections::BTreeMap;
use std::path::PathBuf;

use af2_core::answers::{Method, Relevance, confidence};
use af2_core::audio::LoadedAudio;
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use super::listen::{Listened, listen};
use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Answer, Asker, Decoding, Generated};
use crate::model::{Engine, EngineChoice, Heard};
use crate::terminal::{count_bar, note, print_line, report};

/// Arguments of `af2 ask`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// An audio file (WAV, AIFF, CAF, AU, W64, FLAC, ALAC, MP3, AAC-LC, Vorbis, Opus; also in Ogg, MP4, MOV, Matroska, WebM), or - for standard input.
    audio: PathBuf,
    /// One or several questions about the audio; it is encoded once.
    #[arg(required = true)]
    questions: Vec<String>,
    /// Print one JSON object per question instead of streaming text.
    #[arg(long)]
    json: bool,
    /// Afterwards, tell which seconds of the audio the answer goes by.
    #[arg(long = "where", value_name = "METHOD")]
    relevance: Option<RelevanceMethod>,
    #[command(flatten)]
    input: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
    /// Afterwards, list on stderr what one token's step takes on the GPU, kernel by kernel.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    decoding: Decoding,
}

/// How the seconds are found that an answer goes by.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RelevanceMethod {
    /// One pass: where the answer's tokens looked.
    Attention,
    /// About eighty passes: how far the answer's odds drop when a part of the audio is hidden, weighted by attention. Right more often.
    Effect,
}

impl From<RelevanceMethod> for Method {
    fn from(method: RelevanceMethod) -> Self {
        match method {
            RelevanceMethod::Attention => Self::Attention,
            RelevanceMethod::Effect => Self::Effect,
        }
    }
}

/// Answers every question in turn.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    if arguments.decoding.logprobs.is_some() && !arguments.json {
        bail!("--logprobs are printed as JSON only; add --json");
    }
    let default = arguments.profile.then_some(EngineChoice::Gpu);
    let listened = listen(&arguments.model, &arguments.audio, &arguments.engine, arguments.input, default)?;
    let Listened { engine, audio, mut heard, timings } = listened;
    for question in &arguments.questions {
        let asker = Asker { engine: &*engine, decoding: &arguments.decoding, sampling, stream: !arguments.json };
        let generated = asker.ask(&mut *heard, question)?;
        if !arguments.json {
            report(format_args!("confidence {:.0} %", 100.0 * confidence(&generated.logprobs)));
        }
        let relevance = arguments.relevance.map(Method::from);
        let relevance = relevance.map(|method| locate(&asker, &mut *heard, &audio, &generated, method)).transpose()?;
        if arguments.json {
            let answer = Answer::new(&asker, &audio, question, generated, timings)?.with_relevance(relevance);
            print_line(serde_json::to_string(&answer)?)?;
        } else if let Some(relevance) = relevance {
            print_intervals(&relevance)?;
        }
    }
    if arguments.profile {
        print_profile(&*engine, &*heard)?;
    }
    Ok(())
}

/// The seconds that an answer goes by, with a bar that counts what was hidden.
fn locate(
    asker: &Asker<'_>,
    heard: &mut dyn Heard,
    audio: &LoadedAudio,
    answer: &Generated,
    method: Method,
) -> Result<Relevance> {
    let bar = count_bar(0, "hiding parts");
    let found = asker.relevance(heard, audio, answer, method, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
        true
    });
    bar.finish_and_clear();
    found
}

fn print_intervals(relevance: &Relevance) -> Result<()> {
    if relevance.intervals.is_empty() {
        note("the answer goes by no part of the audio in particular");
    }
    for interval in &relevance.intervals {
        print_line(format_args!("{:.1}–{:.1} s", interval.start, interval.end))?;
    }
    Ok(())
}

/// Lists the step's dispatches by kernel: labels differ by the layer's number only.
fn print_profile(engine: &dyn Engine, heard: &dyn Heard) -> Result<()> {
    let Some(spans) = heard.profile_step()? else {
        note(format_args!("{} has no GPU timestamps for --profile to list", engine.name()));
        return Ok(());
    };
    let mut kernels: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for span in &spans {
        let part = span.cost.label.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let kernel = kernels.entry(part).or_default();
        *kernel = (kernel.0 + 1, kernel.1 + span.nanoseconds);
    }
    for (label, (count, nanoseconds)) in kernels {
        report(format_args!("{label:<28}{count:>5} × {:>9.1} µs", nanoseconds / count as f64 / 1e3));
    }
    let total: f64 = spans.iter().map(|span| span.nanoseconds).sum();
    report(format_args!("{:<28}{:>5}   {:>9.1} µs", "one step", spans.len(), total / 1e3));
    Ok(())
}
