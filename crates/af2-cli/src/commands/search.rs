//! `af2 search MODEL INDEX TEXT`: where in an index a described sound is heard.

use std::io::BufReader;
use std::path::PathBuf;

use af2_core::config::ModelConfig;
use af2_core::index::{IndexHeader, IndexReader, IndexRecord};
use af2_core::search::{SearchBy, SearchHit, SearchQuery, TopHits};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::options::{EngineOptions, batches, probability};
use crate::audio_index::{as_csv, as_lines, as_m3u, resolved};
use crate::model::ModelFiles;
use crate::open_file::open_regular;
use crate::searching::WindowSearch;
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
    let mut search = WindowSearch::new(&*engine, query, hits, arguments.batch);
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
    let hits = search.finish()?;
    bar.finish_and_clear();
    if reader.torn() {
        note(format_args!("{shown} ends within a record; the same af2 index goes on from there"));
    }
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
