//! What the classification sets share: a file, its label, all labels.

use std::path::PathBuf;

use super::{BASE, Benchmark, LABELS};
use crate::{Item, Rule};

/// A classification set: the answer is the label, or contains it and no other.
pub(super) const CLASSIFICATION: Benchmark =
    Benchmark { templates: LABELS, rules: &[Rule::LabelExact, Rule::LabelContained], ..BASE };

/// A file whose label is one of `labels`. The question is the templates'.
pub(super) fn labelled(audio: PathBuf, label: &str, labels: &[&str]) -> Item {
    let item = Item {
        id: audio.to_string_lossy().into_owned(),
        audio,
        question: "What is this sound?".into(),
        options: labels.iter().map(|label| (*label).to_owned()).collect(),
        answers: vec![label.into()],
        ..Item::default()
    };
    item.grouped("label", label)
}

/// A label in words: lower case, `_` as a space.
pub(super) fn words(label: &str) -> String {
    label.trim().to_lowercase().replace('_', " ")
}
