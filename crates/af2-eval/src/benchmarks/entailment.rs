//! Audio entailment (Deshmukh et al. 2024): does the audio entail a hypothesis, contradict it, or neither? Three hypotheses a clip.
//!
//! How Audio Flamingo 2 was asked is not published; the question here is this project's own. Accuracy, as its paper reports.

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Item, Rule};

/// CLE, on Clotho's evaluation split.
pub(super) const CLOTHO: Benchmark = Benchmark {
    name: "entailment-clotho",
    title: "audio entailment, CLE (Clotho)",
    files: "clotho_entailment_evaluation.csv, audio of Clotho's evaluation split in evaluation/ or audio/",
    templates: &["author", "readme", "af1", "lmms", "cot"],
    rules: &[Rule::LabelExact, Rule::LabelContained, Rule::StringMatchMapped],
    read: clotho,
    ..BASE
};

/// ACE, on AudioCaps' test split.
pub(super) const AUDIOCAPS: Benchmark = Benchmark {
    name: "entailment-audiocaps",
    title: "audio entailment, ACE (AudioCaps)",
    files: "audiocaps_entailment_test.csv, audio of AudioCaps' test split in test/ or audio/",
    read: audiocaps,
    ..CLOTHO
};

const CLASSES: [(&str, &str); 3] =
    [("Entailment", "entailment"), ("Neutral", "neutral"), ("Contradiction", "contradiction")];

fn clotho(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    read(data, "clotho_entailment_evaluation.csv")
}

fn audiocaps(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    read(data, "audiocaps_entailment_test.csv")
}

fn read(data: &DataDir, table: &str) -> Result<Vec<Item>, EvalError> {
    let nested = [format!("data/CLE/{table}"), format!("data/ACE/{table}")];
    let mut items = Vec::new();
    for (number, row) in (1_usize..).zip(data.table(&[table, &nested[0], &nested[1]], true)?) {
        let audio = data.audio(&["evaluation", "test", "audio", ""], &row.text("Audio file")?);
        for (column, label) in CLASSES {
            let hypothesis = row.text(column)?;
            let question = format!("Does the audio entail, contradict or leave open this hypothesis: \"{hypothesis}\"");
            let item = Item {
                id: format!("{number}/{label}"),
                audio: audio.clone(),
                question,
                options: CLASSES.map(|(_, label)| label.to_owned()).to_vec(),
                answers: vec![label.into()],
                ..Item::default()
            };
            items.push(item.grouped("class", label));
        }
    }
    Ok(items)
}
