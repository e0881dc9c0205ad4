//! `af2 choose MODEL AUDIO QUESTION --options a,b,c`: which of several texts answers best, and how sure that is.

use std::path::PathBuf;
use std::time::Instant;

use af2_core::answers::{Choice, ChoiceOption, MultipleChoice};
use af2_core::engine::AudioView;
use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::listen::{Listened, listen};
use super::options::{AudioOptions, EngineOptions};
use crate::asking::{question_cut, trimmed};
use crate::terminal::{note, print_line};

/// Characters of a bar that stands for certainty.
const BAR: usize = 24;

/// Arguments of `af2 choose`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// An audio file, or - for standard input.
    audio: PathBuf,
    /// A question about the audio.
    question: String,
    /// The texts to choose from, worded as the model answers, for example yes,no.
    #[arg(long, value_name = "TEXT,…", value_delimiter = ',', value_parser = trimmed, required_unless_present = "option")]
    options: Vec<String>,
    /// One more text to choose from; may hold commas, and be given several times.
    #[arg(long, value_name = "TEXT")]
    option: Vec<String>,
    /// Append the options to the question as (A), (B), …, and weigh them with their letters. A question that lists them already stays as it is.
    #[arg(long)]
    letters: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
}

/// A choice as one JSON object.
#[derive(Serialize)]
struct Report<'a> {
    question: &'a str,
    /// The best option.
    text: &'a str,
    #[serde(flatten)]
    choice: &'a Choice,
    windows: usize,
    seconds: f64,
    truncated: bool,
    notices: &'a [String],
    adapter: String,
    timings: Timings,
}

/// Seconds.
#[derive(Serialize)]
struct Timings {
    load: f64,
    decode_audio: f64,
    encode: f64,
    /// From the question to all options' probabilities.
    choose: f64,
}

/// Weighs the options.
pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { model, audio, question, options, option, letters, json, input, engine } = arguments;
    let options = [options, option].concat();
    let Listened { engine, mut audio, mut heard, timings } = listen(&model, &audio, &engine, input, None)?;
    let start = Instant::now();
    let multiple = MultipleChoice::new(engine.tokenizer(), &engine.config().tokens, &question, &options, letters)?;
    if let Some(notice) = question_cut(multiple.prompt()) {
        note(&notice);
        audio.info.notices.push(notice);
    }
    let scores = heard.score(&multiple.requests(&AudioView::whole(audio.windows.count)), &mut |_, _| true)?;
    let choice = multiple.result(&scores)?;
    if !json {
        return print_table(&choice);
    }
    let (load, decode_audio, encode) = (timings.load, timings.decode_audio, timings.encode);
    let report = Report {
        question: &question,
        text: &choice.options[choice.best].text,
        choice: &choice,
        windows: audio.windows.count,
        seconds: audio.windows.seconds(),
        truncated: audio.info.truncated,
        notices: &audio.info.notices,
        adapter: engine.name(),
        timings: Timings { load, decode_audio, encode, choose: start.elapsed().as_secs_f64() },
    };
    Ok(print_line(serde_json::to_string(&report)?)?)
}

/// The options, best first.
fn print_table(choice: &Choice) -> Result<()> {
    let mut options: Vec<&ChoiceOption> = choice.options.iter().collect();
    options.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let width = options.iter().map(|option| option.text.chars().count()).max().unwrap_or(0);
    for ChoiceOption { text, probability, raw_probability, .. } in options {
        let (percent, raw) = (100.0 * probability, 100.0 * raw_probability);
        print_line(format_args!("{text:<width$}  {:<BAR$}  {percent:>3.0} %  (raw {raw:.0} %)", bar(*probability)))?;
    }
    Ok(())
}

/// A bar in eighths of a character.
fn bar(share: f32) -> String {
    let eighths = (share * 8.0 * BAR as f32).round() as usize;
    let part = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'].get((eighths % 8).wrapping_sub(1));
    let whole = std::iter::repeat_n('█', eighths / 8);
    whole.chain(part.copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_shares() {
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(1.0), "█".repeat(BAR));
        assert_eq!(bar(0.5), "█".repeat(BAR / 2));
        assert_eq!(bar(1.0 / 48.0), "▌");
    }
}
