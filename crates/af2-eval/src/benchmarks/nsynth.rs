//! NSynth (Engel et al. 2017), test: 4,096 notes; two questions each, the instrument's family and its source.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled, words};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "nsynth",
    title: "NSynth test",
    files: "nsynth-test/examples.json, nsynth-test/audio/",
    templates: &["af1", "builder"],
    mean_over: Some("question"),
    read,
    ..CLASSIFICATION
};

const FAMILIES: [&str; 11] =
    ["bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth lead", "vocal"];
const SOURCES: [&str; 3] = ["acoustic", "electronic", "synthetic"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let names = ["nsynth-test/examples.json", "examples.json"];
    let notes: BTreeMap<String, Map<String, Value>> = data.json(&names)?;
    let path = data.find(&names)?;
    let mut items = Vec::new();
    for (name, note) in notes {
        let audio = data.audio(&["nsynth-test/audio", "audio"], &format!("{name}.wav"));
        let questions =
            [("instrument", "instrument_family_str", &FAMILIES[..]), ("source", "instrument_source_str", &SOURCES[..])];
        for (question, field, labels) in questions {
            let label = note.get(field).and_then(Value::as_str).map(words);
            let label = label.filter(|label| labels.contains(&label.as_str()));
            let label = label.ok_or_else(|| EvalError::content(&path, format!("{name}: no known `{field}`")))?;
            let item = labelled(audio.clone(), &label, labels);
            let item = Item { id: format!("{name}/{question}"), topic: format!("nsynth/{question}"), ..item };
            items.push(item.grouped("question", question));
        }
    }
    Ok(items)
}
