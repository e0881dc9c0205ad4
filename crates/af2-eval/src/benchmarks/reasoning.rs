//! AF-Reasoning-Eval (NVIDIA 2025): manifests whose prompts end with the instruction to think in tags. The only benchmark whose exact
//! prompts for a model of this family are published.

use super::{BASE, Benchmark, manifest};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "af-reasoning",
    title: "AF-Reasoning-Eval",
    files: "AQA_MCQ.json, AQA_Yes_No.json, Classification_mini.json, Classification_full.json (those that are there), audio",
    rules: &[Rule::Conclusion],
    mean_over: Some("part"),
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let part = |(item, _): (Item, _)| {
        let part = item.id.split('#').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        Item { groups: Vec::new(), ..item }.grouped("part", part)
    };
    Ok(manifest::entries(data)?.into_iter().map(part).collect())
}
