//! `af2 ask MODEL AUDIO QUESTION…`: answers, streamed as they are made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use af2_core::audio::LoadedAudio;
use anyhow::Result;
use clap::Args;

use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Answer, Asker, Decoding, Timings};
use crate::model::{Engine, EngineChoice, Heard, ModelFiles};
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

/// Answers every question in turn.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    let start = Instant::now();
    let engine = arguments.engine.load(&arguments.model, arguments.profile.then_some(EngineChoice::Gpu))?;
    let load = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut audio = arguments.input.load(&engine.config().audio, &arguments.audio)?;
    let decode_audio = start.elapsed().as_secs_f64();
    for notice in &audio.info.notices {
        note(notice);
    }
    audio.info.notices.extend(ModelFiles::notice(&arguments.model)?); // said on stderr when the model was loaded
    if audio.info.truncated {
        let heard = audio.windows.seconds();
        // The hint names more than what was asked for.
        let more = (audio.windows.count * 2).max(30);
        note(format_args!("only the first {heard:.0} s are heard; --max-windows {more} listens to more"));
    }
    let windows = audio.windows.count;
    if windows > engine.config().audio.max_num_window {
        let gigabytes = engine.clip_bytes(windows) as f64 / 1e9;
        note(format_args!("{windows} windows take about {gigabytes:.1} GB of memory beside the model"));
    }
    let start = Instant::now();
    let mut heard = listen(&*engine, &audio)?;
    let timings = Timings { load, decode_audio, encode: start.elapsed().as_secs_f64(), ..Timings::default() };
    for question in &arguments.questions {
        let asker = Asker { engine: &*engine, decoding: &arguments.decoding, sampling, stream: !arguments.json };
        let generated = asker.ask(&mut *heard, question)?;
        if arguments.json {
            let answer = Answer::new(&*engine, &audio, question, generated, timings);
            print_line(serde_json::to_string(&answer)?)?;
        }
    }
    if arguments.profile {
        print_profile(&*engine, &*heard)?;
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

fn listen(engine: &dyn Engine, audio: &LoadedAudio) -> Result<Box<dyn Heard>> {
    let bar = count_bar(audio.windows.count as u64, "listening");
    let heard = engine.listen(&audio.windows, &mut |done, _| {
        bar.set_position(done as u64);
        true
    });
    bar.finish_and_clear();
    heard
}
