//! The original's own lists: manifests `Name-Task/split.json`, and the `inference.jsonl` of its demo.
//!
//! An entry may begin within its file, at `audio_start` seconds. Its `duration` is not used: as many windows are heard as the model has.

use serde_json::Value;

use super::{BASE, Benchmark};
use crate::data_dir::{Row, read_bounded, rows};
use crate::{DataDir, EvalError, Export, Item, Rule};

const FILES: &str = "<Name-Task>/<split>.json, or <split>.json; audio below split_path, or beside the manifest, heard from audio_start on";
const EXPORT: Option<Export> = Some(Export { file: "inference.jsonl", field: "output", lines: true });

/// Questions and classification.
pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "manifest",
    title: "a manifest of the original, as questions",
    files: FILES,
    rules: &[Rule::LabelExact, Rule::AnyReference],
    export: EXPORT,
    read,
    ..BASE
};

/// Captions: the references of a (file, prompt) pair are collected.
pub(super) const CAPTIONS: Benchmark = Benchmark {
    name: "manifest-captions",
    title: "a manifest of the original, as captions",
    rules: &[],
    captions: true,
    read: read_captions,
    ..BENCHMARK
};

/// Questions without answers.
pub(super) const INFERENCE: Benchmark = Benchmark {
    name: "inference",
    title: "an inference.jsonl of the original's demo",
    files: "inference.jsonl: one object a line with path and prompt",
    rules: &[],
    read: read_inference,
    ..BENCHMARK
};

/// The entries of all manifests of a data set.
pub(super) fn entries(data: &DataDir) -> Result<Vec<(Item, Row)>, EvalError> {
    let mut items = Vec::new();
    for (name, path) in manifests(data)? {
        let manifest: Value =
            serde_json::from_slice(&read_bounded(&path)?).map_err(|error| EvalError::content(&path, error))?;
        let text = |key: &str| manifest.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (split_path, task) = (text("split_path"), text("flamingo_task"));
        let data_of = manifest.get("data").and_then(Value::as_object);
        let data_of = data_of.ok_or_else(|| EvalError::content(&path, "it has no object `data`"))?;
        let mut keys: Vec<&String> = data_of.keys().collect();
        keys.sort_by_key(|key| key.parse().unwrap_or(usize::MAX));
        for key in keys {
            let row = Row::of(&path, key, &data_of[key])?;
            let item = entry(data, &name, &split_path, key, &row)?;
            items.push((item.grouped("task", task.clone()), row));
        }
    }
    Ok(items)
}

fn entry(data: &DataDir, manifest: &str, split_path: &str, key: &str, row: &Row) -> Result<Item, EvalError> {
    let audio_start: f64 = match row.maybe("audio_start") {
        Some(text) => text.parse().unwrap_or(f64::NAN),
        None => 0.0,
    };
    if !(audio_start >= 0.0 && audio_start.is_finite()) {
        return Err(row.wrong("its `audio_start` is no number of seconds"));
    }
    let audio = data.audio(&[split_path, "", "audio"], &row.text("name")?);
    let answer = row.maybe("output").filter(|output| !output.is_empty());
    Ok(Item {
        id: format!("{manifest}#{key}"),
        audio,
        audio_start,
        question: row.text("prompt")?,
        answers: answer.into_iter().collect(),
        row: row.fields.clone(),
        ..Item::default()
    })
}

/// Every JSON file in the folder or in one below, with the name by which items know it.
fn manifests(data: &DataDir) -> Result<Vec<(String, std::path::PathBuf)>, EvalError> {
    let json = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).map_err(|error| EvalError::read(folder, error))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        Ok::<_, EvalError>(paths)
    };
    let mut found = Vec::new();
    for path in json(data.root())? {
        let inner = if path.is_dir() { json(&path)? } else { vec![path] };
        found.extend(inner.into_iter().filter(|path| path.is_file() && path.extension().is_some_and(|e| e == "json")));
    }
    let named = |path: std::path::PathBuf| {
        let relative = path.strip_prefix(data.root()).unwrap_or(&path).with_extension("");
        (relative.to_string_lossy().into_owned(), path)
    };
    if found.is_empty() {
        return Err(EvalError::Absent { dir: data.root().into(), names: "<split>.json".into() });
    }
    Ok(found.into_iter().map(named).collect())
}

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    Ok(entries(data)?.into_iter().map(|(item, _)| item).collect())
}

fn read_captions(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let mut items: Vec<Item> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (item, _) in entries(data)? {
        let place = *places
            .entry((item.audio.clone(), item.audio_start.to_bits(), item.question.clone()))
            .or_insert(items.len());
        match items.get_mut(place) {
            Some(first) => first.answers.extend(item.answers),
            None => items.push(item),
        }
    }
    Ok(items)
}

fn read_inference(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |(number, row): (usize, Row)| {
        let audio = data.audio(&[""], &row.text("path")?);
        let question = row.text("prompt")?;
        Ok(Item { id: number.to_string(), audio, question, row: row.fields.clone(), ..Item::default() })
    };
    (1..).zip(rows(&data.find(&["inference.jsonl"])?)?).map(item).collect()
}
