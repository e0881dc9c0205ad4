//! `af2 batch MODEL LIST`: questions about many audio files, with the model loaded once.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use af2_core::audio::LoadedAudio;
use af2_core::config::AudioConfig;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use indicatif::ProgressBar;

use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Answer, Asker, Decoding, Timings};
use crate::batch::{Job, Origin, Output, read_list};
use crate::model::{Heard, ModelFiles, is_lost};
use crate::panics::contain;
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
    /// Other files, and answers of another model or of other options, are refused.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Append to answers of another model or of other options: they stay, and everything is asked again.
    #[arg(long, requires = "out")]
    again: bool,
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
    let origin = origin(&arguments)?;
    let output = match &arguments.out {
        Some(path) => Output::open(path, origin, arguments.again)?,
        None => Output::stdout(origin),
    };
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
    let mut run =
        Run { asker, output, bar, load_seconds, heard: None, pending: Vec::new(), failures: 0, heard_seconds: 0.0 };
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

/// What the answers of this run are made by.
fn origin(arguments: &Arguments) -> Result<Origin> {
    let files = ModelFiles::open(&arguments.model)?;
    let mut options = serde_json::Map::new();
    for part in [serde_json::to_value(&arguments.decoding)?, serde_json::to_value(arguments.input)?] {
        options.extend(part.as_object().cloned().unwrap_or_default());
    }
    Ok(Origin::new(&files.config, &files.index, options)?)
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
    let mut last = None;
    for job in jobs {
        let start = Instant::now();
        let same = last.as_ref() == Some(&job.audio);
        let audio = (!same).then(|| contain(|| input.load(config, &job.audio)));
        last = Some(job.audio.clone());
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
    /// Questions about it that are decoded together, be they of one line or of lines that follow each other.
    pending: Vec<(Rc<Job>, String)>,
    failures: usize,
    heard_seconds: f64,
}

impl Run<'_> {
    fn all(&mut self, ready: Receiver<Ready>) -> Result<()> {
        for Ready { job, audio, decode_seconds } in ready {
            if let Some(audio) = audio {
                self.ask_pending()?;
                self.heard = None; // freed before the next is encoded
                self.heard = Some(self.listen(&job.audio, audio, decode_seconds)?);
                if let Some(Ok((audio, ..))) = &self.heard {
                    self.heard_seconds += audio.windows.seconds();
                }
            }
            let job = Rc::new(job);
            for question in &job.questions {
                self.pending.push((job.clone(), question.clone()));
                if self.pending.len() == self.asker.together() {
                    self.ask_pending()?;
                }
            }
        }
        self.ask_pending()
    }

    /// Asks the questions that wait for others about the same audio.
    fn ask_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if !self.ask_together(&pending)? {
            pending.iter().try_for_each(|(job, question)| self.ask(job, question))?;
        }
        self.bar.inc(pending.len() as u64);
        Ok(())
    }

    fn listen(&mut self, path: &Path, audio: Result<LoadedAudio>, decode_audio: f64) -> Result<Encoded> {
        let start = Instant::now();
        let heard = audio.and_then(|audio| {
            let heard = contain(|| self.asker.engine.listen(&audio.windows, &mut |_, _| true))?;
            Ok((audio, heard))
        });
        let (audio, heard) = match heard {
            Ok(both) => both,
            Err(error) => return Ok(Err(told(fatal_or(error).with_context(|| path.display().to_string())?))),
        };
        let timings = Timings {
            load: self.load_seconds,
            decode_audio,
            encode: start.elapsed().as_secs_f64(),
            ..Timings::default()
        };
        Ok(Ok((audio, heard, timings)))
    }

    /// Asks several questions at once; false if that failed, or there is only one: alone a question costs no other's answer.
    fn ask_together(&mut self, asked: &[(Rc<Job>, String)]) -> Result<bool> {
        let (Some(Ok((audio, heard, timings))), [(first, _), _, ..]) = (&mut self.heard, asked) else {
            return Ok(false);
        };
        let questions: Vec<&str> = asked.iter().map(|(_, question)| question.as_str()).collect();
        let generated = match contain(|| Ok(self.asker.ask_together(&mut **heard, &questions))) {
            Ok(Ok(generated)) => generated,
            Ok(Err(error)) => return fatal_or(error).map(|_| false),
            Err(_) => return self.listen_again(&first.audio).map(|()| false),
        };
        for ((job, question), generated) in asked.iter().zip(generated) {
            let answer = Answer::new(&self.asker, audio, question, generated, *timings)?;
            self.output.answer(job, question, &answer)?;
        }
        Ok(true)
    }

    fn ask(&mut self, job: &Job, question: &str) -> Result<()> {
        let failed = match &mut self.heard {
            Some(Ok((audio, heard, timings))) => match contain(|| Ok(self.asker.ask(&mut **heard, question))) {
                Ok(Ok(generated)) => {
                    let answer = Answer::new(&self.asker, audio, question, generated, *timings)?;
                    return self.output.answer(job, question, &answer);
                }
                Ok(Err(error)) => told(fatal_or(error).with_context(|| job.audio.display().to_string())?),
                Err(panic) => {
                    self.listen_again(&job.audio)?;
                    told(panic)
                }
            },
            Some(Err(problem)) => problem.clone(),
            None => return Err(anyhow!("{}: its audio was never decoded", job.audio.display())),
        };
        self.failures += 1;
        self.output.failure(job, question, &failed)
    }

    /// Encodes the current audio anew: a panic may have left its encoding half changed.
    fn listen_again(&mut self, path: &Path) -> Result<()> {
        if let Some(Ok((audio, heard, timings))) = self.heard.take() {
            drop(heard);
            self.heard = Some(self.listen(path, Ok(audio), timings.decode_audio)?);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::fs;

    use af2_core::audio::{Channel, LoadRules, Windows, load_file_as};
    use af2_core::config::ModelConfig;
    use af2_core::engine::{FinishReason, GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules, Trace};
    use af2_core::text::Tokenizer;
    use af2_gpu::Span;
    use clap::Parser;
    use serde_json::{Map, Value};

    use super::*;
    use crate::model::Engine;

    /// Answers nothing, and panics at silence and at long questions.
    struct Fragile {
        config: ModelConfig,
        tokenizer: Tokenizer,
    }

    impl Engine for Fragile {
        fn config(&self) -> &ModelConfig {
            &self.config
        }

        fn tokenizer(&self) -> &Tokenizer {
            &self.tokenizer
        }

        fn name(&self) -> String {
            "fragile".into()
        }

        fn listen(&self, windows: &Windows, _: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>> {
            assert!(windows.codes.iter().any(|code| *code != 0), "silence");
            Ok(Box::new(Ear { broken: false }))
        }

        fn encode(&self, _: &Windows, _: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<f32>> {
            bail!("not asked for")
        }

        fn hear(&self, _: &[f32], _: bool) -> Result<Box<dyn Heard>> {
            bail!("not asked for")
        }

        fn trace(&self, _: &Windows, _: &[u32], _: usize) -> Result<Trace> {
            bail!("not asked for")
        }
    }

    struct Ear {
        broken: bool,
    }

    impl Heard for Ear {
        fn windows(&self) -> usize {
            1
        }

        fn generate(
            &mut self,
            prompt: &[u32],
            _: &GenerateOptions,
            _: &mut dyn FnMut(u32) -> bool,
        ) -> Result<Generation> {
            assert!(!self.broken, "asked after a panic");
            self.broken = prompt.len() > 60;
            assert!(!self.broken, "a long question");
            Ok(Generation { finish: FinishReason::Stop, ..Generation::new() })
        }

        fn generate_with(
            &mut self,
            _: &[u32],
            _: &GenerateOptions,
            _: &mut dyn TokenRules,
            _: &mut dyn FnMut(u32) -> bool,
        ) -> Result<Generation> {
            bail!("not asked for")
        }

        fn beam_search(&mut self, _: &[u32], _: usize, _: usize) -> Result<Vec<u32>> {
            bail!("not asked for")
        }

        fn generate_many(
            &mut self,
            _: &[Query],
            _: &GenerateOptions,
            _: &mut dyn FnMut(usize, usize) -> bool,
        ) -> Result<Vec<Generation>> {
            bail!("not asked for")
        }

        fn score(&mut self, _: &[ScoreRequest], _: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<Scores>> {
            bail!("not asked for")
        }

        fn attention(&mut self, _: &Query, _: &[u32]) -> Result<Vec<f32>> {
            bail!("not asked for")
        }

        fn profile_step(&self) -> Result<Option<Vec<Span>>> {
            Ok(None)
        }
    }

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        decoding: Decoding,
    }

    #[test]
    fn a_panic_costs_one_answer() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let bytes = |name: &str| fs::read(root.join(name)).unwrap();
        let config = ModelConfig::parse(&bytes("weights/toy/config.json")).unwrap();
        let tokenizer = Tokenizer::from_json(&bytes("weights/toy/tokenizer.json")).unwrap();
        let engine = Fragile { config, tokenizer };
        let decoding = Options::parse_from(["af2"]).decoding;
        let sampling = decoding.sampling().unwrap();
        let asker = Asker { engine: &engine, decoding: &decoding, sampling, stream: false };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        let origin = Origin::new(&bytes("weights/toy/config.json"), b"", Map::new()).unwrap();
        let output = Output::open(&path, origin, false).unwrap();
        let bar = ProgressBar::hidden();
        let mut run = Run {
            asker,
            output,
            bar,
            load_seconds: 0.0,
            heard: None,
            pending: Vec::new(),
            failures: 0,
            heard_seconds: 0.0,
        };
        let (sender, receiver) = sync_channel(9);
        for name in ["silence_16k_2s.wav", "speech_16k_mono.wav"] {
            let audio = bytes(&format!("tests/fixtures/inputs/{name}"));
            let audio = load_file_as(audio, name, LoadRules::ByName, Channel::First, &engine.config.audio, 1);
            let audio = audio.map_err(Into::into);
            let fields = [("audio".to_owned(), Value::from(name))].into();
            let questions = vec!["Who?".to_owned(), "long ".repeat(99), "What?".to_owned()];
            let job = Job { audio: name.into(), questions, fields };
            sender.send(Ready { job, audio: Some(audio), decode_seconds: 0.0 }).unwrap();
        }
        drop(sender);
        run.all(receiver).unwrap();
        assert_eq!(run.failures, 4);
        let text = fs::read_to_string(&path).unwrap();
        let errors: Vec<Value> =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["error"].clone()).collect();
        let silence = Value::from("internal error: silence");
        let long = Value::from("internal error: a long question");
        assert_eq!(errors, [silence.clone(), silence.clone(), silence, Value::Null, long, Value::Null]);
    }
}
