//! `af2 captions MODEL FILE`: what is heard when, as subtitles, labels or a table.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use af2_core::captions::{CAPTION_QUESTION, Caption, CaptionFormat, CaptionWriter};
use anyhow::{Context, Result};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::options::{EngineOptions, StreamOptions, probability};
use crate::captioning::Captioner;
use crate::open_file::open_output;
use crate::terminal::{note, print, window_bar};

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
    let captioner = Captioner::new(&*engine, &arguments.question, arguments.edges, arguments.min_confidence)?;
    let mut output = Output::open(arguments.out.as_deref())?;
    let mut writer = CaptionWriter::new(format);
    output.write(writer.start())?;
    let bar = window_bar(stream.duration(), arguments.stream.hop(config), "listening");
    let mut on_caption = |caption: Caption| output.write(&writer.push(&caption));
    let mut heard = |windows: usize| bar.inc(windows as u64);
    let denied = captioner.listen(&mut stream, arguments.stream.batch, &mut heard, &mut on_caption)?;
    bar.finish_and_clear();
    stream.notices().iter().for_each(note);
    if denied > 0 {
        note(format_args!(
            "{denied} windows have no caption: asked back, the model denies it; --min-confidence 0 keeps all"
        ));
    }
    output.write(&writer.finish())
}

/// The format that a file name ends in.
fn named_format(path: &Path) -> Option<CaptionFormat> {
    let extension = path.extension()?.to_str()?.to_lowercase();
    if extension == "txt" { Some(CaptionFormat::Audacity) } else { extension.parse().ok() }
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
