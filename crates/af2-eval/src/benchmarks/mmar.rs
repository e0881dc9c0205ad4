//! MMAR (Ma et al. 2025): 1,000 questions that take several steps, scored by MMAU's rule.

use super::{BASE, Benchmark, CHOICE};
use crate::{DataDir, EvalError, Export, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "mmar",
    title: "MMAR",
    files: "MMAR-meta.jsonl (or .json), audio/",
    templates: CHOICE,
    rules: &[Rule::StringMatch, Rule::StringMatchMapped],
    export: Some(Export { file: "submission.jsonl", field: "answer_prediction", lines: true }),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |row: crate::data_dir::Row| {
        let item = Item {
            id: row.text("id")?,
            audio: data.audio(&[""], &row.text("audio_path")?),
            question: row.text("question")?,
            options: row.list("choices")?,
            answers: vec![row.text("answer")?],
            row: row.fields.clone(),
            ..Item::default()
        };
        Ok(item.grouped("modality", row.or_empty("modality")).grouped("category", row.or_empty("category")))
    };
    data.rows(&["MMAR-meta.jsonl", "MMAR-meta.json"])?.into_iter().map(item).collect()
}
