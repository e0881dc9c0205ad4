//! `af2 batch MODEL LIST`: questions about many audio files, with the model loaded once.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use af2_core::audio::LoadedAudio;
use af2_core::config::AudioConfig;
use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::ProgressBar;

use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Answer, Asker, Decoding, Timings};
use crate::batch::{Job, Output, read_list};
use crate::model::{Heard, is_lost};
use crate::terminal::{count_bar, note};

/// Audio files that are decoded ahead of the one in use.
const AHEAD: usize = 2;

/// Arguments of `af2 batch`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// One audio file per line: {"audio": "dog.wav", "question": "What is it?"}, or "questions": [...]; other fields come out again. With
    /// --question a line may be just a path. - for standard input.
    list: PathBuf,
    /// Asked about every audio file whose line has no question of its own; may be given several times.
    #[arg(long, value_name = "TEXT")]
    question: Vec<String>,
    /// Append answers to this file instead of printing them. What it answers already is not asked again, so an interrupted run resumes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Paths of audio files are relative to this folder instead of the one the command runs in.
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    input: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
    #[command(flatten)]
    decoding: Decoding,
}

/// A job with its decoded audio.
struct Ready {
    job: Job,
    /// None where it is the audio of the job before.
    audio: Option<Result<LoadedAudio>>,
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
        note(format_args!("{} of {all} questions are answered already", all - left));
    }
    if left == 0 {
        return Ok(());
    }
    let start = Instant::now();
    let engine = arguments.engine.load(&arguments.model, None)?;
    let load_seconds = start.elapsed().as_secs_f64();
    let asker = Asker { engine: &*engine, decoding: &arguments.decoding, sampling, stream: false };
    let bar = count_bar(left as u64, "answering");
    let mut run = Run { asker, output, bar, load_seconds, heard: None, failures: 0, heard_seconds: 0.0 };
    let start = Instant::now();
    let (sender, receiver) = sync_channel(AHEAD);
    let (config, input) = (engine.config().audio.clone(), arguments.input);
    thread::scope(|scope| {
        scope.spawn(move || decode_ahead(jobs, &config, input, &sender));
        run.all(receiver)
    })?;
    run.bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    note(format_args!(
        "{} answers about {:.0} s of audio in {seconds:.1} s ({:.1} x real time)",
        left - run.failures,
        run.heard_seconds,
        run.heard_seconds / seconds
    ));
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

/// Decodes audio while earlier jobs are answered; consecutive jobs about one file share it. Ends when the receiver is gone.
fn decode_ahead(jobs: Vec<Job>, config: &AudioConfig, input: AudioOptions, ready: &SyncSender<Ready>) {
    let mut last = PathBuf::new();
    for job in jobs {
        let start = Instant::now();
        let audio = (job.audio != last).then(|| input.load(config, &job.audio));
        last.clone_from(&job.audio);
        if ready.send(Ready { job, audio, decode_seconds: start.elapsed().as_secs_f64() }).is_err() {
            return;
        }
    }
}

/// Audio with its encoding and what both took, or why there is none.
type Encoded = Result<(LoadedAudio, Box<dyn Heard>, Timings), String>;

struct Run<'a> {
    asker: Asker<'a>,
    output: Output,
    bar: ProgressBar,
    load_seconds: f64,
    /// The current audio.
    heard: Option<Encoded>,
    failures: usize,
    heard_seconds: f64,
}

impl Run<'_> {
    fn all(&mut self, ready: Receiver<Ready>) -> Result<()> {
        for Ready { job, audio, decode_seconds } in ready {
            if let Some(audio) = audio {
                self.heard = None; // freed before the next is encoded
                self.heard = Some(self.listen(&job.audio, audio, decode_seconds)?);
            }
            for question in &job.questions {
                self.ask(&job, question)?;
                self.bar.inc(1);
            }
        }
        Ok(())
    }

    fn listen(&mut self, path: &Path, audio: Result<LoadedAudio>, decode_audio: f64) -> Result<Encoded> {
        let start = Instant::now();
        let heard = audio.and_then(|audio| {
            let heard = self.asker.engine.listen(&audio.windows, &mut |_, _| true)?;
            Ok((audio, heard))
        });
        let (audio, heard) = match heard {
            Ok(both) => both,
            Err(error) => return Ok(Err(told(fatal_or(error).with_context(|| path.display().to_string())?))),
        };
        self.heard_seconds += audio.windows.seconds();
        let timings = Timings {
            load: self.load_seconds,
            decode_audio,
            encode: start.elapsed().as_secs_f64(),
            ..Timings::default()
        };
        Ok(Ok((audio, heard, timings)))
    }

    fn ask(&mut self, job: &Job, question: &str) -> Result<()> {
        let failed = match &mut self.heard {
            Some(Ok((audio, heard, timings))) => match self.asker.ask(&mut **heard, question) {
                Ok(generated) => {
                    let answer = Answer::new(self.asker.engine, audio, question, generated, *timings);
                    return self.output.answer(job, question, &answer);
                }
                Err(error) => told(fatal_or(error).with_context(|| job.audio.display().to_string())?),
            },
            Some(Err(problem)) => problem.clone(),
            None => bail!("audio was never decoded"),
        };
        self.failures += 1;
        self.output.failure(job, question, &failed)
    }
}

/// The error, where it concerns one audio file; fails where the device is lost for good and nothing more can be answered.
fn fatal_or(error: anyhow::Error) -> Result<anyhow::Error> {
    if is_lost(&error) {
        return Err(error.context("stopped; with --out the same command resumes from here"));
    }
    Ok(error)
}

fn told(error: anyhow::Error) -> String {
    format!("{error:#}")
}
