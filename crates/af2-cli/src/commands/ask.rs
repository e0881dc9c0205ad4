//! `af2 ask MODEL AUDIO QUESTION…`: answers, streamed as they are made.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use af2_core::audio::Clip as Sound;
use anyhow::Result;
use clap::Args;

use crate::asking::{Answer, Asker, Decoding, Timings};
use crate::engine::{Engine, EngineChoice, Heard};
use crate::executor::drive;
use crate::session::load_sound;

/// Arguments of `af2 ask`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// A sound file (WAV, FLAC, MP3, OGG Vorbis, AAC/M4A), or - for standard input.
    audio: PathBuf,
    /// One or several questions about the sound; it is encoded once.
    #[arg(required = true)]
    questions: Vec<String>,
    /// Print one JSON object per question instead of streaming text.
    #[arg(long)]
    json: bool,
    /// Windows of 10 s to listen to; the model's own limit by default, 30 for five minutes.
    #[arg(long, value_name = "N")]
    max_windows: Option<usize>,
    /// Use the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// What computes; by default the GPU, or the processor where there is none.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineChoice>,
    /// Afterwards, list on stderr what one token's step takes on the GPU, kernel by kernel.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    decoding: Decoding,
}

/// Answers every question in turn.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    let choice = arguments.engine.or(arguments.profile.then_some(EngineChoice::Gpu));
    let engine = Engine::load(&arguments.model, choice, arguments.adapter.as_deref())?;
    let start = Instant::now();
    let sound = load_sound(&engine.config().audio, &arguments.audio, arguments.max_windows)?;
    let decode_audio = start.elapsed().as_secs_f64();
    if sound.facts.truncated {
        let heard = sound.windows.seconds();
        eprintln!("af2: only the first {heard:.0} s are heard; --max-windows 30 listens to five minutes");
    }
    let start = Instant::now();
    let mut heard = listen(&engine, &sound)?;
    let timings = Timings {
        load: engine.load_seconds(),
        decode_audio,
        encode: start.elapsed().as_secs_f64(),
        ..Timings::default()
    };
    for question in &arguments.questions {
        let asker = Asker { engine: &engine, decoding: &arguments.decoding, sampling, stream: !arguments.json };
        let generated = asker.ask(&mut heard, question)?;
        if arguments.json {
            let answer = Answer::new(&engine, &sound, question, generated, timings);
            writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?)?;
        }
    }
    if arguments.profile {
        print_profile(&engine, &heard)?;
    }
    Ok(())
}

/// Sums the step's dispatches by kernel: labels are alike but for the layer's number.
fn print_profile(engine: &Engine, heard: &Heard) -> Result<()> {
    let (Engine::Gpu(session), Heard::Gpu(clip)) = (engine, heard) else {
        eprintln!("af2: --profile lists the kernels of a GPU; the processor has none");
        return Ok(());
    };
    let Some(spans) = drive(&session.gpu, clip.profile_step())?? else {
        eprintln!("af2: {} has no timestamps", session.gpu.facts().name);
        return Ok(());
    };
    let mut kernels: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for span in &spans {
        let part = span.cost.label.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let kernel = kernels.entry(part).or_default();
        *kernel = (kernel.0 + 1, kernel.1 + span.nanoseconds);
    }
    for (label, (count, nanoseconds)) in kernels {
        eprintln!("{label:<28}{count:>5} × {:>9.1} µs", nanoseconds / count as f64 / 1e3);
    }
    let total: f64 = spans.iter().map(|span| span.nanoseconds).sum();
    eprintln!("{:<28}{:>5}   {:>9.1} µs", "one step", spans.len(), total / 1e3);
    Ok(())
}

fn listen(engine: &Engine, sound: &Sound) -> Result<Heard> {
    let mut progress = |done: usize, total: usize| {
        if total > 1 && done < total {
            eprint!("\rlistening: window {} of {total}", done + 1);
        } else if total > 1 {
            eprintln!();
        }
        true
    };
    engine.listen(&sound.windows, &mut progress)
}
