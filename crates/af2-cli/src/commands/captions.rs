//! `af2 captions MODEL FILE`: what is heard when, as subtitles, labels or a table.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use af2_core::answers::without_end;
use af2_core::captions::{
    CAPTION_QUESTION, CaptionBuilder, CaptionCheck, CaptionFormat, CaptionQuestion, CaptionWriter, WindowAnswer,
    window_answer,
};
use af2_core::engine::{AudioView, GenerateOptions, Query, ScoreRequest, TIMES_PER_WINDOW};
use anyhow::{Context, Result};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::options::{EngineOptions, StreamOptions, probability};
use crate::model::{Engine, Heard};
use crate::open_file::open_output;
use crate::terminal::{note, print, window_bar};
use crate::window_batch::{BatchWindow, WindowBatch};

/// Arguments of `af2 captions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// An audio file, or a video with a sound track, of any length.
    audio: PathBuf,
    /// Asked about every window.
    #[arg(long, value_name = "TEXT", default_value = CAPTION_QUESTION)]
    question: String,
    /// srt, vtt, csv, json, or the labels of Audacity; by default what the name after --out ends in, else srt.
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: Option<CaptionFormat>,
    /// Write to this file instead of standard output; each caption is there as soon as it is known.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Find where in its window each sound begins and ends, by what the answer attends to.
    #[arg(long = "where")]
    edges: bool,
    /// Leave out what is less probable than this. The model is asked back about every sound that it names ("Is there a dog?"), for it also
    /// names sounds where there is only noise. 0 leaves nothing out and asks nothing back, as for answers that name no sounds.
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = probability)]
    min_confidence: f32,
    #[command(flatten)]
    stream: StreamOptions,
    #[command(flatten)]
    engine: EngineOptions,
}

fn formats() -> impl TypedValueParser<Value = CaptionFormat> {
    PossibleValuesParser::new(CaptionFormat::ALL.map(CaptionFormat::name)).try_map(|name| name.parse())
}

/// Listens to the whole file and writes captions as they are settled.
pub fn run(arguments: Arguments) -> Result<()> {
    let format = arguments.format.or_else(|| named_format(arguments.out.as_deref()?)).unwrap_or(CaptionFormat::Srt);
    let engine = arguments.engine.load(&arguments.model, None)?;
    let config = &engine.config().audio;
    let mut stream = arguments.stream.open(config, &arguments.audio)?;
    let question = CaptionQuestion::new(engine.tokenizer(), &arguments.question)?;
    let min_confidence = arguments.min_confidence;
    let asker = Asker { engine: &*engine, question, edges: arguments.edges, min_confidence };
    let mut output = Output::open(arguments.out.as_deref())?;
    let mut builder = CaptionBuilder::new(config.window_length, arguments.min_confidence);
    let mut writer = CaptionWriter::new(format);
    output.write(writer.start())?;
    let bar = window_bar(stream.duration(), arguments.stream.hop(config), "listening");
    let mut denied = 0;
    while let Some(batch) = WindowBatch::next(&mut stream, arguments.stream.batch, 0.0)? {
        for answer in asker.answers(&batch)? {
            denied += usize::from(!answer.silent && answer.text.is_empty());
            if let Some(caption) = builder.push(&answer) {
                output.write(&writer.push(&caption))?;
            }
        }
        bar.inc(batch.windows.len() as u64);
    }
    bar.finish_and_clear();
    stream.notices().iter().for_each(note);
    if denied > 0 {
        note(format_args!(
            "{denied} windows have no caption: asked back, the model denies it; --min-confidence 0 keeps all"
        ));
    }
    if let Some(caption) = builder.finish() {
        output.write(&writer.push(&caption))?;
    }
    output.write(&writer.finish())
}

/// The format that a file name ends in.
fn named_format(path: &Path) -> Option<CaptionFormat> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    if extension == "txt" { Some(CaptionFormat::Audacity) } else { extension.parse().ok() }
}

struct Asker<'a> {
    engine: &'a dyn Engine,
    question: CaptionQuestion,
    edges: bool,
    min_confidence: f32,
}

impl Asker<'_> {
    /// An answer for every window of a batch, the silent ones included.
    fn answers(&self, batch: &WindowBatch) -> Result<Vec<WindowAnswer>> {
        let span = |window: &BatchWindow| (window.start, window.start + window.seconds);
        let spans: Vec<_> = batch.windows.iter().filter(|window| window.place.is_some()).map(span).collect();
        let mut asked = if spans.is_empty() { Vec::new() } else { self.ask(batch, &spans)? }.into_iter();
        let answer = |window: &BatchWindow| {
            let (start, end) = span(window);
            let answer = window.place.and_then(|_| asked.next());
            answer.unwrap_or_else(|| WindowAnswer::silence(start, end))
        };
        Ok(batch.windows.iter().map(answer).collect())
    }

    /// Answers about the windows of a batch that are not silent, which have these times.
    fn ask(&self, batch: &WindowBatch, spans: &[(f64, f64)]) -> Result<Vec<WindowAnswer>> {
        let (tokenizer, tokens) = (self.engine.tokenizer(), &self.engine.config().tokens);
        let mut heard = self.engine.hear(&batch.encode(self.engine)?, true)?;
        let queries: Vec<Query> = (0..spans.len()).map(|place| self.question.query(place)).collect();
        let generations = heard.generate_many(&queries, &GenerateOptions::default(), &mut |_, _| true)?;
        let mut answers = Vec::with_capacity(spans.len());
        for (place, (query, generation)) in queries.iter().zip(generations).enumerate() {
            let mut answer = window_answer(tokenizer, tokens, &generation, spans[place])?;
            let words = without_end(tokens, &generation.ids);
            if self.edges && !words.is_empty() {
                let curve = heard.attention(query, words)?;
                answer.relevance = curve.chunks(TIMES_PER_WINDOW).nth(place).map(<[f32]>::to_vec);
            }
            answers.push(answer);
        }
        if self.min_confidence > 0.0 { self.confirmed(&mut *heard, answers) } else { Ok(answers) }
    }

    /// The answers with what the model, asked back, does not deny.
    fn confirmed(&self, heard: &mut dyn Heard, answers: Vec<WindowAnswer>) -> Result<Vec<WindowAnswer>> {
        let checks = answers.into_iter().map(|answer| CaptionCheck::new(self.engine.tokenizer(), answer));
        let checks: Vec<CaptionCheck> = checks.collect::<Result<_, _>>()?;
        let requests: Vec<_> =
            checks.iter().enumerate().map(|(place, check)| check.requests(&AudioView::window(place))).collect();
        let mut scores = heard.score(&requests.concat(), &mut |_, _| true)?.into_iter();
        let confirm = |(check, requests): (CaptionCheck, &Vec<ScoreRequest>)| {
            let scores: Vec<_> = scores.by_ref().take(requests.len()).collect();
            check.confirmed(&scores, self.min_confidence).context("the engine left scores out")
        };
        checks.into_iter().zip(&requests).map(confirm).collect()
    }
}

/// Where captions go; what was written is there at once.
enum Output {
    Stdout,
    File(File, PathBuf),
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { return Ok(Self::Stdout) };
        let opened = open_output(path, OpenOptions::new().create(true).truncate(true));
        Ok(Self::File(opened.with_context(|| format!("cannot write {}", path.display()))?, path.into()))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        match self {
            _ if text.is_empty() => Ok(()),
            Self::Stdout => Ok(print(text)?),
            Self::File(file, path) => {
                file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }
}
