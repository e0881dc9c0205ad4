//! OpenAQA (Gong et al. 2023), export only: a language model judges the answers.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Export, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "openaqa",
    title: "OpenAQA, export only",
    files: "openaqa.json (or test.json): objects with instruction, audio_id, output, dataset, task; audio at audio_id",
    export: Some(Export { file: "submission.json", field: "model_prediction", lines: false }),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |(number, row): (usize, crate::data_dir::Row)| {
        let item = Item {
            id: number.to_string(),
            audio: data.audio(&["", "audio"], &row.text("audio_id")?),
            question: row.text("instruction")?,
            answers: row.maybe("output").into_iter().collect(),
            row: row.fields.clone(),
            ..Item::default()
        };
        Ok(item.grouped("task", row.or_empty("task")).grouped("data set", row.or_empty("dataset")))
    };
    (1..).zip(data.rows(&["openaqa.json", "test.json"])?).map(item).collect()
}
