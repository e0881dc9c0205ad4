//! Recordings whose sounds are known, for the demo model: mixed scenes (`questions.jsonl`), or the shipped sounds (`sounds.json`).
//!
//! Every question of a scene is also asked about the next recording of the same kind: the blind control, which shows what the text of a
//! question gives away.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{BASE, Benchmark};
use crate::demo::{Question, Recording, lettered_options};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "demo",
    title: "the demo model's recordings",
    files: "questions.jsonl as `cargo xtask sounds scenes` writes it, or sounds.json of weights/demo/sounds; the audio beside it",
    rules: &[Rule::Exact, Rule::SameAsReference],
    read,
    ..BASE
};

/// An entry of `sounds.json`.
#[derive(Deserialize)]
struct Sound {
    file: String,
    questions: Vec<Question>,
}

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    if data.has("questions.jsonl".as_ref()) { scenes(data) } else { sounds(data) }
}

fn scenes(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let recordings = Recording::read_all(data)?;
    let mut items = Vec::new();
    for (at, recording) in recordings.iter().enumerate() {
        let own = recording.questions.iter().enumerate();
        items.extend(own.map(|(i, question)| asked(recording, recording.id(i), question)));
        let neighbour = neighbour(&recordings, at);
        let blind = neighbour.questions.iter().enumerate().map(|(i, question)| Item {
            audio: PathBuf::from(&recording.file),
            control: true,
            ..asked(neighbour, format!("{}#blind#{}#{i}", recording.file, neighbour.file), question)
        });
        items.extend(blind);
    }
    Ok(items)
}

/// The next recording of the same set and kind.
fn neighbour(recordings: &[Recording], at: usize) -> &Recording {
    let own = &recordings[at];
    let like = |other: &&Recording| other.set == own.set && other.kind == own.kind;
    recordings.iter().cycle().skip(at + 1).take(recordings.len()).find(like).unwrap_or(own)
}

fn asked(recording: &Recording, id: String, question: &Question) -> Item {
    item(&recording.file, id, question).grouped(&recording.set, recording.kind_of(question))
}

fn sounds(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let sounds: Vec<Sound> = data.json(&["sounds.json"])?;
    let items = sounds.iter().flat_map(|sound| {
        let questions = sound.questions.iter().enumerate();
        questions.map(|(i, question)| {
            let name = sound.file.split('.').next().unwrap_or_default();
            item(&sound.file, format!("{}#{i}", sound.file), question).grouped("sound", name)
        })
    });
    Ok(items.collect())
}

fn item(file: &str, id: String, question: &Question) -> Item {
    let reference = question.reference.as_ref().or(question.truth.is_some().then_some(&question.answer));
    let row: Map<String, Value> =
        reference.map(|text| ("reference".to_owned(), text.as_str().into())).into_iter().collect();
    let answer = question.truth.as_ref().unwrap_or(&question.answer);
    let (question, options) = (question.question.clone(), options(&question.question, answer));
    Item { id, audio: file.into(), question, options, answers: vec![answer.clone()], row, ..Item::default() }
}

/// The options of a question, as the model answers them; none if it is open.
fn options(question: &str, answer: &str) -> Vec<String> {
    if matches!(answer, "yes" | "no") {
        vec!["yes".into(), "no".into()]
    } else {
        lettered_options(question).unwrap_or_default()
    }
}
