//! AIR-Bench, foundation part (Yang et al. 2024): 19 tasks on several data sets each; the figure is the mean of the parts.

use super::{BASE, Benchmark, CHOICE};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "air-bench",
    title: "AIR-Bench foundation",
    files: "Foundation_meta.json (or JSON lines), <task>_<data set>/<path>, also below Foundation/",
    templates: CHOICE,
    rules: &[Rule::AirBench, Rule::AirBenchMapped],
    mean_over: Some("part"),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let lists = ["Foundation_meta.json", "Foundation/Foundation_meta.json", "Foundation_meta.jsonl"];
    let item = |(number, row): (usize, crate::data_dir::Row)| {
        let (task, source) = (row.text("task_name")?, row.text("dataset_name")?);
        let name = format!("{task}_{source}/{}", row.text("path")?);
        let choices = ["choice_a", "choice_b", "choice_c", "choice_d"].map(|name| row.or_empty(name));
        let answer = row.text("answer_gt")?;
        let item = Item {
            // `uniq_id` is unique within a task only.
            id: format!("{task}_{source}/{}", row.maybe("uniq_id").unwrap_or_else(|| number.to_string())),
            audio: data.audio(&["", "Foundation"], &name),
            question: row.text("question")?,
            options: choices.into_iter().filter(|choice| !choice.is_empty()).collect(),
            answers: vec![answer],
            row: row.fields.clone(),
            ..Item::default()
        };
        Ok(item.grouped("part", format!("{task}_{source}")).grouped("task", task))
    };
    (1..).zip(data.rows(&lists)?).map(item).collect()
}
