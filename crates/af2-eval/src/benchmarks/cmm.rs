//! CMM (Leng et al. 2024): whether a model hears what is not there. The questions about audio alone; *yes* is perception accuracy, *no* is
//! resistance to hallucination.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Export, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "cmm",
    title: "CMM, questions about audio",
    files: "all_data_final_reorg.json (or cmm.json, cmm.jsonl) with audio_path, question, answer; the audio at audio_path",
    rules: &[Rule::Cmm, Rule::YesNo],
    export: Some(Export { file: "submission.jsonl", field: "pred", lines: true }),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let lists = ["all_data_final_reorg.json", "cmm.json", "cmm.jsonl"];
    let mut items = Vec::new();
    for (number, row) in (1_usize..).zip(data.rows(&lists)?) {
        let audio = row.or_empty("audio_path");
        if audio.is_empty() || row.maybe("modality").is_some_and(|modality| modality != "audio") {
            continue;
        }
        let answer = row.text("answer")?.to_lowercase();
        let item = Item {
            id: number.to_string(),
            audio: data.audio(&[""], &audio),
            question: row.text("question")?,
            options: vec!["yes".into(), "no".into()],
            answers: vec![answer.clone()],
            row: row.fields.clone(),
            ..Item::default()
        };
        let item = item.grouped("answer", answer).grouped("sub-category", row.or_empty("sub_category"));
        items.push(item.grouped("granularity", row.or_empty("granularity")));
    }
    Ok(items)
}
