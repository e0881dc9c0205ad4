//! `af2 search MODEL INDEX TEXT`: where in an index a described sound is heard.

use std::io::BufReader;
use std::path::PathBuf;

use af2_core::config::ModelConfig;
use af2_core::engine::{AudioView, Scores};
use af2_core::index::{IndexHeader, IndexReader, IndexRecord, IndexedWindow};
use af2_core::search::{SearchBy, SearchHit, SearchQuery, TopHits, WindowMatch};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::options::{EngineOptions, batches, probability};
use crate::audio_index::{as_csv, as_lines, as_m3u, resolved};
use crate::model::{Engine, ModelFiles};
use crate::open_file::open_regular;
use crate::terminal::{byte_bar, note, print};

/// Arguments of `af2 search`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of the model that made the index.
    model: PathBuf,
    /// An index of `af2 index`.
    index: PathBuf,
    /// The sound, as in "a dog barking", or a question that yes or no answers: "Is someone speaking?"
    text: String,
    /// Most places that are named.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Name no place where the sound is less probable than this.
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = probability)]
    min_confidence: f32,
    /// How the places are written.
    #[arg(long, value_name = "FORMAT", default_value = "lines")]
    format: Format,
    /// What places are ranked by.
    #[arg(long, value_name = "QUESTION", default_value = "both")]
    by: By,
    /// Windows that are asked together.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = batches())]
    batch: usize,
    #[command(flatten)]
    engine: EngineOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Confidence, time and file.
    Lines,
    /// An array of objects.
    Json,
    /// A table with a head line.
    Csv,
    /// A playlist with the times, for VLC.
    M3u,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// Its presence: "Is there a dog?" Half the time of both.
    Presence,
    /// Its name: "What is this sound?"
    Name,
    /// Both.
    Both,
}

/// Asks about every window of the index and prints the best places.
pub fn run(arguments: Arguments) -> Result<()> {
    let shown = arguments.index.display();
    let named = || format!("the index {shown}");
    let file = open_regular(&arguments.index).with_context(named)?;
    let length = file.metadata().with_context(named)?.len();
    let mut reader = IndexReader::open(BufReader::new(file), length).with_context(named)?;
    let model = ModelFiles::open(&arguments.model)?;
    let width = ModelConfig::parse(&model.config)?.audio_transformer.d_model;
    reader.header().check_model(&IndexHeader::identity(&model.index), width).with_context(named)?;
    let engine = arguments.engine.load(&arguments.model, None)?;
    let by = match arguments.by {
        By::Presence => SearchBy::Presence,
        By::Name => SearchBy::Name,
        By::Both => SearchBy::Both,
    };
    let query = SearchQuery::new(engine.tokenizer(), &arguments.text, by)?;
    let hits = TopHits::new(arguments.top, arguments.min_confidence, reader.header().hop_seconds);
    let mut search =
        Search { engine: &*engine, query, silent: None, hits, waiting: Vec::new(), batch: arguments.batch };
    let bar = byte_bar(length, "searching");
    let mut file = String::new();
    while let Some(record) = reader.next_record().with_context(named)? {
        match record {
            IndexRecord::File(begun) => file = begun.name,
            IndexRecord::Window(window) => search.push(&file, window)?,
            IndexRecord::End => {}
        }
        bar.set_position(reader.end());
    }
    search.flush()?;
    bar.finish_and_clear();
    if reader.torn() {
        note(format_args!("{shown} ends within a record; the same af2 index goes on from there"));
    }
    let hits = search.hits.finish();
    if hits.is_empty() {
        note("no place is that probable; --min-confidence 0 names the best all the same");
    }
    arguments.write(&hits)
}

impl Arguments {
    fn write(&self, hits: &[SearchHit]) -> Result<()> {
        let index = &self.index;
        let text = match self.format {
            Format::Lines => as_lines(index, hits),
            Format::Csv => as_csv(index, hits),
            Format::M3u => as_m3u(index, &self.text, hits),
            Format::Json => {
                let object = |hit: &SearchHit| {
                    json!({ "file": resolved(index, &hit.file), "start": hit.start, "end": hit.end,
                            "score": hit.score, "confidence": hit.confidence })
                };
                serde_json::to_string_pretty(&hits.iter().map(object).collect::<Vec<_>>())? + "\n"
            }
        };
        Ok(print(text)?)
    }
}

/// A search being made.
struct Search<'a> {
    engine: &'a dyn Engine,
    query: SearchQuery,
    /// Scores without any audio, once known.
    silent: Option<Vec<Scores>>,
    hits: TopHits,
    /// Windows of a batch, with their files.
    waiting: Vec<(String, IndexedWindow)>,
    batch: usize,
}

impl Search<'_> {
    fn push(&mut self, file: &str, window: IndexedWindow) -> Result<()> {
        self.waiting.push((file.into(), window));
        if self.waiting.len() >= self.batch { self.flush() } else { Ok(()) }
    }

    /// Judges the windows that wait.
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let tokens: Vec<f32> = self.waiting.iter().flat_map(|(_, window)| window.tokens_f32()).collect();
        let mut heard = self.engine.hear(&tokens, true)?;
        if self.silent.is_none() {
            let requests = self.query.requests(&AudioView::window(0).silent());
            self.silent = Some(heard.score(&requests, &mut |_, _| true)?);
        }
        let views = (0..self.waiting.len()).map(AudioView::window);
        let requests: Vec<_> = views.flat_map(|view| self.query.requests(&view)).collect();
        let scores = heard.score(&requests, &mut |_, _| true)?;
        let per_window = requests.len() / self.waiting.len();
        let silent = self.silent.as_deref().unwrap_or_default();
        for ((file, window), scores) in self.waiting.drain(..).zip(scores.chunks(per_window)) {
            let judgement = self.query.judge(scores, silent).context("the engine left scores out")?;
            let (start, end) = (window.start, window.start + window.seconds);
            let (score, confidence) = (judgement.score, judgement.confidence);
            self.hits.push(&file, WindowMatch { start, end, score, confidence });
        }
        Ok(())
    }
}
