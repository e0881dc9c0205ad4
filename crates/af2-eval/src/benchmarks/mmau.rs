//! MMAU (Sakshi et al. 2024): 10,000 multiple-choice questions about sound, music and speech.
//!
//! The first version and that of 15 May 2025 have the same layout; a quarter of the questions differ. The answers of `test` are withheld.

use super::{BASE, Benchmark, CHOICE};
use crate::{DataDir, EvalError, Export, Item, Rule};

const RULES: &[Rule] = &[Rule::StringMatch, Rule::StringMatchMapped, Rule::LmmsLetter];
const EXPORT: Option<Export> = Some(Export { file: "submission.json", field: "model_prediction", lines: false });
const MINI_FILES: &str = "mmau-test-mini.json, test-mini-audios/";
const TEST_FILES: &str = "mmau-test.json, test-audios/";

/// test-mini of v05.15.25.
pub(super) const TEST_MINI: Benchmark = Benchmark {
    name: "mmau",
    title: "MMAU test-mini v05.15.25",
    files: MINI_FILES,
    templates: CHOICE,
    rules: RULES,
    mean_over: Some("task"),
    export: EXPORT,
    read: test_mini,
    ..BASE
};

/// test of v05.15.25.
pub(super) const TEST: Benchmark = Benchmark {
    name: "mmau-test",
    title: "MMAU test v05.15.25",
    files: TEST_FILES,
    rules: &[],
    read: test,
    ..TEST_MINI
};

/// test-mini of the first version.
pub(super) const V1_TEST_MINI: Benchmark = Benchmark { name: "mmau-v1", title: "MMAU test-mini v1", ..TEST_MINI };

/// test of the first version.
pub(super) const V1_TEST: Benchmark = Benchmark { name: "mmau-v1-test", title: "MMAU test v1", ..TEST };

fn test_mini(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    read(data, "mmau-test-mini.json", "test-mini-audios", true)
}

fn test(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    read(data, "mmau-test.json", "test-audios", false)
}

fn read(data: &DataDir, list: &str, audios: &str, answered: bool) -> Result<Vec<Item>, EvalError> {
    let item = |row: crate::data_dir::Row| {
        let audio = row.maybe("audio_id").or_else(|| row.maybe("audio_path")).unwrap_or_default();
        let name = audio.rsplit('/').next().unwrap_or_default().to_owned();
        let item = Item {
            id: row.text("id")?,
            audio: data.audio(&[audios, "audio", ""], &name),
            question: row.text("question")?,
            options: row.list("choices")?,
            answers: if answered { vec![row.text("answer")?] } else { Vec::new() },
            row: row.fields.clone(),
            ..Item::default()
        };
        // Some entries of the first version have a capital.
        let lower = |name| row.or_empty(name).to_lowercase();
        Ok(item.grouped("task", lower("task")).grouped("difficulty", lower("difficulty")))
    };
    data.rows(&[list])?.into_iter().map(item).collect()
}
