//! LongAudioBench and LongAudio (Ghosh et al. 2025), export only: a language model judges the answers.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Export, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "long-audio-bench",
    title: "LongAudioBench, export only",
    files: "LongAudioBench.json (or test.json, test.jsonl) with path, name or audio; question or prompt; answer or output",
    export: Some(Export { file: "submission.jsonl", field: "model_prediction", lines: true }),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let lists = ["LongAudioBench.json", "LongAudioBench.jsonl", "test.json", "test.jsonl"];
    let item = |(number, row): (usize, crate::data_dir::Row)| {
        let first = |names: &[&str]| names.iter().find_map(|name| row.maybe(name));
        let audio = first(&["path", "name", "audio", "audio_path"]).ok_or_else(|| row.wrong("it names no audio"))?;
        let question = first(&["question", "prompt"]).ok_or_else(|| row.wrong("it has no question"))?;
        Ok(Item {
            id: row.maybe("id").unwrap_or_else(|| number.to_string()),
            audio: data.audio(&["", "audio"], &audio),
            question,
            answers: first(&["answer", "output"]).into_iter().collect(),
            row: row.fields.clone(),
            ..Item::default()
        })
    };
    (1..).zip(data.rows(&lists)?).map(item).collect()
}
