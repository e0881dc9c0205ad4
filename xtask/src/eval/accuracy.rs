//! Right answers by question type, beside a blind control: the questions of another recording of the same kind.

use super::{
    af2::{Af2, Answer},
    recordings::{Question, Recording},
    sets::Sets,
    statistics::Share,
};
use anyhow::Result;
use std::{collections::BTreeMap, fmt, path::Path};

/// Counts of one set.
#[derive(Default)]
struct Tally {
    kinds: BTreeMap<String, Counts>,
    /// Answers compared with PyTorch's, and those that are equal.
    reference: Share,
}

#[derive(Default)]
struct Counts {
    heard: Share,
    blind: Share,
}

/// Asks every recording its own questions and those of its neighbour, and prints the accuracies.
pub fn evaluate(af2: &Af2, folder: &Path, recordings: &[Recording]) -> Result<()> {
    let mut sets: Sets<Tally> = Sets::default();
    for (recording, neighbour) in recordings.iter().zip(neighbours(recordings)) {
        let questions: Vec<&Question> = recording.questions.iter().chain(&neighbour.questions).collect();
        let mut own = af2.ask(&folder.join(&recording.file), &[], &questions)?;
        let blind = own.split_off(recording.questions.len());
        sets.of(&recording.set).add(recording, neighbour, &own, &blind);
        eprint!(".");
    }
    eprintln!();
    sets.each(|set, tally| println!("\n### {set}\n\n{tally}"));
    Ok(())
}

/// For each recording the next one of its set and kind.
fn neighbours(recordings: &[Recording]) -> Vec<&Recording> {
    let count = recordings.len();
    let next = |i: usize| {
        let own = &recordings[i];
        let like = |other: &&Recording| other.set == own.set && other.kind == own.kind;
        recordings.iter().cycle().skip(i + 1).take(count).find(like).unwrap_or(own)
    };
    (0..count).map(next).collect()
}

impl Tally {
    fn add(&mut self, recording: &Recording, neighbour: &Recording, own: &[Answer], blind: &[Answer]) {
        for (question, answer) in recording.questions.iter().zip(own) {
            self.counts(recording, &question.kind).heard.count(answer.text == question.answer);
            if let Some(reference) = &question.reference {
                self.reference.count(answer.text == *reference);
            }
        }
        for (question, answer) in neighbour.questions.iter().zip(blind) {
            self.counts(neighbour, &question.kind).blind.count(answer.text == question.answer);
        }
    }

    fn counts(&mut self, recording: &Recording, kind: &str) -> &mut Counts {
        let prefix = if recording.kind == "long" { "long: " } else { "" };
        self.kinds.entry(format!("{prefix}{kind}")).or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| question | n | right | 95 % | blind |\n|---|---|---|---|---|")?;
        for (kind, Counts { heard, blind }) in &self.kinds {
            let (low, high) = heard.interval();
            let (n, right, blind) = (heard.total, heard.mean(), blind.mean());
            writeln!(f, "| {kind} | {n} | {right:.3} | {low:.2}–{high:.2} | {blind:.3} |")?;
        }
        if self.reference.total > 0 {
            writeln!(f, "\nsame answer as PyTorch: {} of {}", self.reference.right, self.reference.total)?;
        }
        Ok(())
    }
}
