//! Recordings whose sounds are known, for the demo model: mixed scenes (`questions.jsonl`), or the shipped sounds (`sounds.json`).
//!
//! Every question of a scene is also asked about the next recording of the same kind: the blind control, which shows what the text of a
//! question gives away.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{BASE, Benchmark};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "demo",
    title: "the demo model's recordings",
    files: "questions.jsonl as `cargo xtask sounds scenes` writes it, or sounds.json of weights/demo/sounds; the audio beside it",
    rules: &[Rule::Exact, Rule::SameAsReference],
    read,
    ..BASE
};

/// A line of `questions.jsonl`.
#[derive(Deserialize)]
struct Recording {
    file: String,
    set: String,
    /// "long" has several windows.
    kind: String,
    questions: Vec<Question>,
}

/// An entry of `sounds.json`.
#[derive(Deserialize)]
struct Sound {
    file: String,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    kind: String,
    question: String,
    /// The true answer; in `sounds.json`, where `truth` has it, PyTorch's.
    answer: String,
    truth: Option<String>,
    /// PyTorch's answer, if it was asked.
    reference: Option<String>,
}

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    if data.has("questions.jsonl".as_ref()) { scenes(data) } else { sounds(data) }
}

fn scenes(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let rows = data.rows(&["questions.jsonl"])?;
    let recording = |row: &crate::data_dir::Row| {
        serde_json::from_value(Value::from(row.fields.clone())).map_err(|error| row.wrong(error))
    };
    let recordings: Vec<Recording> = rows.iter().map(recording).collect::<Result<_, _>>()?;
    let mut items = Vec::new();
    for (at, recording) in recordings.iter().enumerate() {
        let own = recording.questions.iter().enumerate();
        items.extend(own.map(|(i, question)| asked(recording, format!("{}#{i}", recording.file), question)));
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
    let prefix = if recording.kind == "long" { "long: " } else { "" };
    item(&recording.file, id, question).grouped(&recording.set, format!("{prefix}{}", question.kind))
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

/// `(A) a dog` and so on from a question that lists `(a) a dog (b) …`.
pub fn lettered_options(question: &str) -> Option<Vec<String>> {
    let letters = ["(a)", "(b)", "(c)", "(d)"];
    let starts: Vec<usize> = letters.iter().map(|letter| question.find(letter)).collect::<Option<_>>()?;
    let ends = starts.iter().skip(1).copied().chain([question.len()]);
    let option = |((letter, start), end): ((&str, usize), usize)| {
        Some(format!("{} {}", letter.to_uppercase(), question.get(start + letter.len()..end)?.trim()))
    };
    letters.into_iter().zip(starts.iter().copied()).zip(ends).map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_lettered_question_on_one_line_or_several() {
        let wanted = ["(A) a bell", "(B) rain", "(C) an organ", "(D) an electric guitar"];
        for joint in [" ", "\n"] {
            let text = ["what is this sound?", "(a) a bell", "(b) rain", "(c) an organ", "(d) an electric guitar"];
            assert_eq!(lettered_options(&text.join(joint)).unwrap_or_default(), wanted);
        }
        assert_eq!(lettered_options("is there a dog?"), None);
        assert_eq!(lettered_options("(d) (c) (b) (a)"), None);
    }
}
