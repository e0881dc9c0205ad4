//! MuChoMusic (Weck et al. 2024): 1,187 questions about music.
//!
//! The official script shuffles the options without a seed. Here their order is a function of question and option, the same on every
//! machine: ascending FNV-1a hash of both.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "muchomusic",
    title: "MuChoMusic",
    files: "muchomusic.csv, audio/ (SongDescriber as <track>.2min.mp3, MusicCaps as [<ytid>]-[<start>-<end>].wav)",
    templates: &["author", "muchomusic", "readme", "mmar", "lmms", "plain"],
    rules: &[Rule::MuChoMusic, Rule::MuChoMusicMapped],
    read,
    ..BASE
};

/// Columns of the options, the right one first, then those that are incorrect but related, correct but unrelated, and neither.
const OPTIONS: [&str; 4] = ["correct_answer", "distractor_1_answer", "distractor_2_answer", "distractor_3_answer"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |(number, row): (usize, crate::data_dir::Row)| {
        let question = row.text("question")?;
        let mut options: Vec<String> = OPTIONS.into_iter().map(|name| row.text(name)).collect::<Result<_, _>>()?;
        let answers = vec![options[0].clone()];
        options.sort_by_key(|option| hash(&format!("{question}\n{option}")));
        let item = Item {
            id: row.maybe("id").unwrap_or_else(|| number.to_string()),
            audio: data.audio(&["audio", ""], &audio(&row)?),
            question,
            options,
            answers,
            row: row.fields.clone(),
            ..Item::default()
        };
        let item = item.grouped("data set", row.or_empty("dataset")).grouped("genre", row.or_empty("genre"));
        let several = |item: Item, name: &str, column: &str| {
            let values = row.list(column).unwrap_or_default();
            values.into_iter().fold(item, |item, value| item.grouped(name, value))
        };
        Ok(several(several(item, "reasoning", "music_reasoning"), "knowledge", "music_knowledge"))
    };
    (1..).zip(data.table(&["muchomusic.csv"], true)?).map(item).collect()
}

/// The file name of a question's audio, in the naming of its source. MusicCaps' identifiers have a number behind the clip's name.
fn audio(row: &crate::data_dir::Row) -> Result<String, EvalError> {
    let identifier = row.text("dataset_identifier")?;
    let name = identifier.strip_suffix(".json").unwrap_or(&identifier);
    Ok(match row.or_empty("dataset").as_str() {
        "musiccaps" => format!("{}.wav", name.rsplit_once('_').map_or(name, |(clip, _)| clip)),
        _ => format!("{name}.2min.mp3"),
    })
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
