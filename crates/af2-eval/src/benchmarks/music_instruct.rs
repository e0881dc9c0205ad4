//! MusicInstruct (Deng et al. 2023), export only: a language model judges the answers.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Export, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "music-instruct",
    title: "MusicInstruct, export only",
    files: "MusicInstruct_long.json, MusicInstruct_short.json (those that are there; or test.json): question, answer, clip_id or audio_name",
    export: Some(Export { file: "submission.json", field: "model_prediction", lines: false }),
    read,
    ..BASE
};

const PARTS: [(&str, &str); 3] =
    [("long", "MusicInstruct_long.json"), ("short", "MusicInstruct_short.json"), ("test", "test.json")];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    data.find(&PARTS.map(|(_, list)| list))?;
    let mut items = Vec::new();
    for (part, list) in PARTS.into_iter().filter(|(_, list)| data.find(&[list]).is_ok()) {
        for (number, row) in (1_usize..).zip(data.rows(&[list])?) {
            let audio = row.maybe("audio_name").map_or_else(|| row.text("clip_id"), Ok)?;
            let audio = if audio.contains('.') { audio } else { format!("{audio}.wav") };
            let item = Item {
                id: format!("{part}/{number}"),
                audio: data.audio(&["audio", ""], &audio),
                question: row.text("question")?,
                answers: row.maybe("answer").into_iter().collect(),
                row: row.fields.clone(),
                ..Item::default()
            };
            items.push(item.grouped("part", part));
        }
    }
    Ok(items)
}
