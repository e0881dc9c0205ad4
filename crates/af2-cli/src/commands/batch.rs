//! `af2 batch MODEL LIST`: questions about many sounds, with the model loaded once.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use af2_core::audio::Clip as Sound;
use af2_core::config::AudioConfig;
use af2_gpu::GpuError;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::asking::{Answer, Asker, Decoding, Timings};
use crate::batch::{Job, Output, read_list};
use crate::engine::{Engine, EngineChoice, Heard};
use crate::session::load_sound;

/// Sounds that are decoded ahead of the one that is answered.
const AHEAD: usize = 2;

/// Arguments of `af2 batch`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// One sound per line: {"audio": "dog.wav", "question": "What is it?"}, or "questions": [...]; other fields come out again. With
    /// --question a line may be just a path. - for standard input.
    list: PathBuf,
    /// Asked about every sound whose line has no question of its own; may be given several times.
    #[arg(long, value_name = "TEXT")]
    question: Vec<String>,
    /// Append answers to this file instead of printing them. What it answers already is not asked again, so a run that was cut goes on.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Paths of sounds are relative to this folder instead of the one the command runs in.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Windows of 10 s to listen to; the model's own limit by default, 30 for five minutes.
    #[arg(long, value_name = "N")]
    max_windows: Option<usize>,
    /// Use the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// What computes; by default the GPU, or the processor where there is none.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineChoice>,
    #[command(flatten)]
    decoding: Decoding,
}

/// A sound with what is still to be asked about it, decoded.
struct Ready {
    job: Job,
    /// None where it is the sound of the job before.
    sound: Option<Result<Sound>>,
    decode_seconds: f64,
}

/// Reads the list, asks everything, and says how it went.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    let root = arguments.root.as_deref().unwrap_or(Path::new(""));
    let jobs = read_list(&arguments.list, root, &arguments.question)?;
    let output = arguments.out.as_deref().map_or_else(|| Ok(Output::stdout()), Output::file)?;
    let asked = |jobs: &[Job]| jobs.iter().map(|job| job.questions.len()).sum::<usize>();
    let all = asked(&jobs);
    let jobs = unanswered(jobs, &output);
    let left = asked(&jobs);
    if left < all {
        eprintln!("af2: {} of {all} questions are answered already", all - left);
    }
    if left == 0 {
        return Ok(());
    }
    let engine = Engine::load(&arguments.model, arguments.engine, arguments.adapter.as_deref())?;
    let asker = Asker { engine: &engine, decoding: &arguments.decoding, sampling, stream: false };
    let mut run = Run { asker, output, bar: bar(left), heard: None, failures: 0, heard_seconds: 0.0 };
    let start = Instant::now();
    let (sender, receiver) = sync_channel(AHEAD);
    let (audio, max_windows) = (engine.config().audio.clone(), arguments.max_windows);
    thread::scope(|scope| {
        scope.spawn(move || decode_ahead(jobs, &audio, max_windows, &sender));
        run.all(receiver)
    })?;
    run.bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "af2: {} answers about {:.0} s of sound in {seconds:.1} s ({:.1} x real time)",
        left - run.failures,
        run.heard_seconds,
        run.heard_seconds / seconds
    );
    if run.failures > 0 {
        bail!("{} of {left} questions have no answer; \"error\" in their lines says why", run.failures);
    }
    Ok(())
}

/// The jobs without the questions that the output answers.
fn unanswered(jobs: Vec<Job>, output: &Output) -> Vec<Job> {
    let rest = |mut job: Job| {
        let questions = std::mem::take(&mut job.questions);
        job.questions = questions.into_iter().filter(|question| !output.has(&job, question)).collect();
        (!job.questions.is_empty()).then_some(job)
    };
    jobs.into_iter().filter_map(rest).collect()
}

fn bar(questions: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "answering {bar:30} {pos}/{len} {per_sec} {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(questions as u64).with_style(style)
}

/// Decodes sounds while others are answered; neighbours about one sound share it. Ends when nobody listens any more.
fn decode_ahead(jobs: Vec<Job>, audio: &AudioConfig, max_windows: Option<usize>, ready: &SyncSender<Ready>) {
    let mut last = PathBuf::new();
    for job in jobs {
        let start = Instant::now();
        let sound = (job.audio != last).then(|| load_sound(audio, &job.audio, max_windows));
        last.clone_from(&job.audio);
        if ready.send(Ready { job, sound, decode_seconds: start.elapsed().as_secs_f64() }).is_err() {
            return;
        }
    }
}

struct Run<'a> {
    asker: Asker<'a>,
    output: Output,
    bar: ProgressBar,
    /// The sound in memory, or why there is none.
    heard: Option<Result<(Sound, Heard, Timings), String>>,
    failures: usize,
    heard_seconds: f64,
}

impl Run<'_> {
    fn all(&mut self, ready: Receiver<Ready>) -> Result<()> {
        for Ready { job, sound, decode_seconds } in ready {
            if let Some(sound) = sound {
                self.heard = None; // frees its memory before the next is listened to
                self.heard = Some(self.listen(&job.audio, sound, decode_seconds)?);
            }
            for question in &job.questions {
                self.ask(&job, question)?;
                self.bar.inc(1);
            }
        }
        Ok(())
    }

    fn listen(
        &mut self,
        path: &Path,
        sound: Result<Sound>,
        decode_audio: f64,
    ) -> Result<Result<(Sound, Heard, Timings), String>> {
        let start = Instant::now();
        let heard = sound.and_then(|sound| {
            let heard = self.asker.engine.listen(&sound.windows, &mut |_, _| true)?;
            Ok((sound, heard))
        });
        let (sound, heard) = match heard {
            Ok(both) => both,
            Err(error) => return Ok(Err(told(fatal_or(error).with_context(|| path.display().to_string())?))),
        };
        self.heard_seconds += sound.windows.seconds();
        let load = self.asker.engine.load_seconds();
        let timings = Timings { load, decode_audio, encode: start.elapsed().as_secs_f64(), ..Timings::default() };
        Ok(Ok((sound, heard, timings)))
    }

    fn ask(&mut self, job: &Job, question: &str) -> Result<()> {
        let failed = match &mut self.heard {
            Some(Ok((sound, heard, timings))) => match self.asker.ask(heard, question) {
                Ok(generated) => {
                    let answer = Answer::new(self.asker.engine, sound, question, generated, *timings);
                    return self.output.answer(job, question, &answer);
                }
                Err(error) => told(fatal_or(error).with_context(|| job.audio.display().to_string())?),
            },
            Some(Err(problem)) => problem.clone(),
            None => bail!("a sound was never decoded"),
        };
        self.failures += 1;
        self.output.failure(job, question, &failed)
    }
}

/// The error again where it concerns one sound; without a device nothing after it can be answered either.
fn fatal_or(error: anyhow::Error) -> Result<anyhow::Error> {
    let lost = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref::<GpuError>(), Some(GpuError::DeviceLost(_)))
    };
    if error.chain().any(lost) {
        return Err(error.context("stopped; with --out the same command goes on from here"));
    }
    Ok(error)
}

fn told(error: anyhow::Error) -> String {
    format!("{error:#}")
}
