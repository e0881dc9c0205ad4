//! Multiple choice and yes or no: the greedy answer beside the most likely option.

use super::{
    af2::{Af2, Choice},
    recordings::{Question, Recording},
    sets::Sets,
    statistics::{Share, calibration_error, reliability},
};
use af2_eval::benchmarks::lettered_options;
use anyhow::{Context, Result};
use std::{cmp::Ordering, collections::BTreeMap, fmt, path::Path};

const BINS: usize = 10;

#[derive(Default)]
struct Tally(BTreeMap<String, Counts>);

/// Of one question type.
#[derive(Default)]
struct Counts {
    greedy: Share,
    raw: Vec<(f64, bool)>,
    calibrated: Vec<(f64, bool)>,
}

/// Answers every question with options in both ways, and prints the accuracies.
pub fn evaluate(af2: &Af2, folder: &Path, recordings: &[Recording]) -> Result<()> {
    let mut sets: Sets<Tally> = Sets::default();
    for recording in recordings {
        let audio = folder.join(&recording.file);
        let optional = |question: &&Question| options(question).is_some();
        let questions: Vec<&Question> = recording.questions.iter().filter(optional).collect();
        let answers = af2.ask(&audio, &[], &questions)?;
        for (question, answer) in questions.into_iter().zip(answers) {
            let options = options(question).context("a question without options")?;
            let names: Vec<&str> = options.iter().map(String::as_str).collect();
            let choice = af2.choose(&audio, &question.question, &names)?;
            let right = names.iter().position(|option| *option == question.answer).context("no option is true")?;
            let counts = sets.of(&recording.set).0.entry(question.kind.clone()).or_default();
            counts.add(answer.text == question.answer, &choice, right);
        }
        eprint!(".");
    }
    eprintln!();
    sets.each(|set, tally| println!("\n### {set}\n\n{tally}"));
    Ok(())
}

/// The options of a question, as the model would answer them; none if it is open.
fn options(question: &Question) -> Option<Vec<String>> {
    match question.kind.as_str() {
        "yes or no" => Some(vec!["yes".into(), "no".into()]),
        "multiple choice" => lettered_options(&question.question),
        _ => None,
    }
}

impl Counts {
    fn add(&mut self, greedy: bool, choice: &Choice, right: usize) {
        self.greedy.count(greedy);
        let raw: Vec<f64> = choice.options.iter().map(|option| option.raw_probability).collect();
        let most = raw.iter().enumerate().max_by(|a, b| a.1.partial_cmp(b.1).unwrap_or(Ordering::Equal));
        if let Some((at, probability)) = most {
            self.raw.push((*probability, at == right));
        }
        self.calibrated.push((choice.options[choice.best].probability, choice.best == right));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| question | method | n | right | 95 % | mean probability | calibration error |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for (kind, counts) in &self.0 {
            line(f, kind, "greedy answer", counts.greedy)?;
            writeln!(f, " | |")?;
            for (method, answers) in [("choose, raw", &counts.raw), ("choose, calibrated", &counts.calibrated)] {
                let mut share = Share::default();
                answers.iter().for_each(|(_, right)| share.count(*right));
                let mean =
                    answers.iter().map(|(probability, _)| probability).sum::<f64>() / answers.len().max(1) as f64;
                line(f, kind, method, share)?;
                writeln!(f, "{mean:.3} | {:.3} |", calibration_error(&reliability(answers, BINS)))?;
            }
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, kind: &str, method: &str, share: Share) -> fmt::Result {
    let (low, high) = share.interval();
    write!(f, "| {kind} | {method} | {} | {:.3} | {low:.2}–{high:.2} | ", share.total, share.mean())
}
