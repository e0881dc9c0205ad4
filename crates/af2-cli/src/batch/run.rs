//! Answers a list of jobs with one loaded model: audio is decoded ahead, questions about the same audio share its encoding, and what
//! fails costs its own line only.

use std::fmt::{Display, Formatter};
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use af2_core::audio::LoadedAudio;
use anyhow::{Context, Result, anyhow};
use indicatif::ProgressBar;

use super::{Job, Output};
use crate::asking::{Answer, Asker, Beside, Generated, Timings, Wanted};
use crate::model::{Heard, is_lost};
use crate::panics::contain;
use crate::terminal::count_bar;

/// Audio files that are decoded ahead of the one in use.
const AHEAD: usize = 2;

/// What is measured beside a job's answers.
type WantedOf = dyn Fn(&Job) -> Wanted;

/// Jobs and where their answers go.
pub struct Batch {
    output: Output,
    /// What is still to be asked.
    jobs: Vec<Job>,
    all: usize,
    wanted: Option<Box<WantedOf>>,
    /// Seconds that the model took to load, for the answers' timings.
    pub load_seconds: f64,
}

/// How a batch went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Done {
    /// Questions with an answer.
    pub answers: usize,
    /// Questions without.
    pub failures: usize,
    /// Seconds of audio that were heard.
    pub heard_seconds: f64,
    /// Seconds that it took.
    pub seconds: f64,
}

impl Display for Done {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { answers, heard_seconds, seconds, .. } = self;
        let rate = heard_seconds / seconds;
        write!(f, "{answers} answers about {heard_seconds:.0} s of audio in {seconds:.1} s ({rate:.1} x real time)")
    }
}

impl Batch {
    /// What of `jobs` the output does not answer yet.
    pub fn new(output: Output, jobs: Vec<Job>) -> Self {
        let all = asked(&jobs);
        let jobs = unanswered(jobs, &output);
        Self { output, jobs, all, wanted: None, load_seconds: 0.0 }
    }

    /// Measures more than the answers.
    pub fn measuring(self, wanted: impl Fn(&Job) -> Wanted + 'static) -> Self {
        Self { wanted: Some(Box::new(wanted)), ..self }
    }

    /// Questions of all jobs.
    pub fn all(&self) -> usize {
        self.all
    }

    /// Questions that are not answered yet.
    pub fn left(&self) -> usize {
        asked(&self.jobs)
    }

    /// Answers what is left; `read` decodes an audio file from a second on, in a thread of its own.
    ///
    /// # Errors
    /// The device is lost for good, or the output takes no more.
    pub fn run(self, asker: Asker<'_>, read: impl Fn(&Path, f64) -> Result<LoadedAudio> + Send) -> Result<Done> {
        let left = self.left();
        let mut run = Run {
            asker,
            output: self.output,
            bar: count_bar(left as u64, "answering"),
            wanted: self.wanted,
            load_seconds: self.load_seconds,
            heard: None,
            pending: Vec::new(),
            failures: 0,
            heard_seconds: 0.0,
        };
        let start = Instant::now();
        let (sender, receiver) = sync_channel(AHEAD);
        let jobs = self.jobs;
        thread::scope(|scope| {
            scope.spawn(move || decode_ahead(jobs, read, &sender));
            run.all(receiver)
        })?;
        run.bar.finish_and_clear();
        let seconds = start.elapsed().as_secs_f64();
        let (failures, heard_seconds) = (run.failures, run.heard_seconds);
        Ok(Done { answers: left - failures, failures, heard_seconds, seconds })
    }
}

fn asked(jobs: &[Job]) -> usize {
    jobs.iter().map(|job| job.questions.len()).sum()
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

/// A job with its decoded audio.
struct Ready {
    job: Job,
    /// None where it is the audio of the job before.
    audio: Option<Result<LoadedAudio>>,
    decode_seconds: f64,
}

/// Decodes audio while earlier jobs are answered; consecutive jobs about the same part of a file share it. Ends when the receiver is gone.
fn decode_ahead(jobs: Vec<Job>, read: impl Fn(&Path, f64) -> Result<LoadedAudio>, ready: &SyncSender<Ready>) {
    let mut last = None;
    for job in jobs {
        let start = Instant::now();
        let heard = Some((job.audio.clone(), job.start));
        let audio = (last != heard).then(|| contain(|| read(&job.audio, job.start)));
        last = heard;
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
    wanted: Option<Box<WantedOf>>,
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
        let wanted = self.wanted.as_deref();
        let mut answer = || {
            let generated = self.asker.ask_together(&mut **heard, &questions)?;
            let with_more = |((job, question), generated): (&(Rc<Job>, String), Generated)| {
                let beside = measure(&self.asker, &mut **heard, audio, wanted, job, question, &generated)?;
                Ok((generated, beside))
            };
            asked.iter().zip(generated).map(with_more).collect::<Result<Vec<_>>>()
        };
        let generated = match contain(|| Ok(answer())) {
            Ok(Ok(generated)) => generated,
            Ok(Err(error)) => return fatal_or(error).map(|_| false),
            Err(_) => return self.listen_again(&first.audio).map(|()| false),
        };
        for ((job, question), (generated, beside)) in asked.iter().zip(generated) {
            let answer = Answer::new(&self.asker, audio, question, generated, *timings)?.with_beside(beside);
            self.output.answer(job, question, &answer)?;
        }
        Ok(true)
    }

    fn ask(&mut self, job: &Job, question: &str) -> Result<()> {
        let wanted = self.wanted.as_deref();
        let failed = match &mut self.heard {
            Some(Ok((audio, heard, timings))) => {
                let mut answer = || {
                    let generated = self.asker.ask(&mut **heard, question)?;
                    let beside = measure(&self.asker, &mut **heard, audio, wanted, job, question, &generated)?;
                    Ok((generated, beside))
                };
                match contain(|| Ok(answer())) {
                    Ok(Ok((generated, beside))) => {
                        let answer = Answer::new(&self.asker, audio, question, generated, *timings)?;
                        return self.output.answer(job, question, &answer.with_beside(beside));
                    }
                    Ok(Err(error)) => told(fatal_or(error).with_context(|| job.audio.display().to_string())?),
                    Err(panic) => {
                        self.listen_again(&job.audio)?;
                        told(panic)
                    }
                }
            }
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

/// What is wanted of a job's answer beside its text.
fn measure(
    asker: &Asker<'_>,
    heard: &mut dyn Heard,
    audio: &LoadedAudio,
    wanted: Option<&WantedOf>,
    job: &Job,
    question: &str,
    answer: &Generated,
) -> Result<Beside> {
    let Some(wanted) = wanted else { return Ok(Beside::default()) };
    asker.beside(heard, audio, question, answer, &wanted(job))
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
    use anyhow::bail;
    use clap::Parser;
    use serde_json::{Map, Value};

    use super::*;
    use crate::asking::Decoding;
    use crate::batch::Origin;
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
            wanted: None,
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
            let job = Job { audio: name.into(), start: 0.0, questions, fields };
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
