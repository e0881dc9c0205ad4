//! MMAU-Pro (Kumar et al. 2025), export only: an embedding model and a language model judge it.
//!
//! The published file is Parquet, which is not read here; a line of Python makes JSON lines of it:
//!
//! ```text
//! python3 -c "import pandas; pandas.read_parquet('test.parquet').to_json('test.jsonl', orient='records', lines=True)"
//! ```
//!
//! An item with several recordings is asked about the first alone, and counted in the group `recordings`.

use super::{BASE, Benchmark, CHOICE};
use crate::{DataDir, EvalError, Export, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "mmau-pro",
    title: "MMAU-Pro, export only",
    files: "test.jsonl, made of test.parquet with pandas.read_parquet('test.parquet').to_json('test.jsonl', orient='records', lines=True); the audio of data.zip",
    templates: CHOICE,
    export: Some(Export { file: "submission.jsonl", field: "model_output", lines: true }),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |(number, row): (usize, crate::data_dir::Row)| {
        let recordings = row.list("audio_path").or_else(|_| row.text("audio_path").map(|path| vec![path]))?;
        let first = recordings.first().ok_or_else(|| row.wrong("it has no audio"))?;
        let item = Item {
            id: row.maybe("id").unwrap_or_else(|| number.to_string()),
            audio: data.audio(&["", "data"], first),
            question: row.text("question")?,
            options: row.list("choices").unwrap_or_default(),
            row: row.fields.clone(),
            ..Item::default()
        };
        let recordings = if recordings.len() > 1 { "several" } else { "one" };
        Ok(item.grouped("category", row.or_empty("category")).grouped("recordings", recordings))
    };
    (1..).zip(data.rows(&["test.jsonl", "test.json"])?).map(item).collect()
}
