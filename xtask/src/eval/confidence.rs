//! How honest `confidence` is: a reliability diagram, and its expected calibration error beside that of the mean per token.

use super::{
    af2::{Af2, Answer},
    diagram,
    recordings::{Question, Recording},
    sets::Sets,
    statistics::{Bin, Share, calibration_error, discrimination, reliability},
};
use anyhow::{Context, Result};
use std::{fmt, fs, path::Path};

const BINS: usize = 10;

/// `(value, right)` of every answer of one set.
#[derive(Default)]
struct Answers {
    confidence: Vec<(f64, bool)>,
    per_token: Vec<(f64, bool)>,
}

/// Answers every question, prints the tables, and draws the diagram into `svg`.
pub fn evaluate(af2: &Af2, folder: &Path, recordings: &[Recording], svg: &Path) -> Result<()> {
    let mut sets: Sets<Answers> = Sets::default();
    for recording in recordings {
        let questions: Vec<&Question> = recording.questions.iter().collect();
        let answers = af2.ask(&folder.join(&recording.file), &["--logprobs", "0"], &questions)?;
        for (question, answer) in questions.into_iter().zip(&answers) {
            let right = answer.text == question.answer;
            let of = sets.of(&recording.set);
            of.confidence.push((answer.confidence, right));
            of.per_token.push((per_token(answer), right));
        }
        eprint!(".");
    }
    eprintln!();
    sets.each(|set, answers| println!("\n### {set}\n\n{answers}"));
    let mut panels = Vec::new();
    sets.each(|set, answers| panels.push((set.to_owned(), reliability(&answers.confidence, BINS))));
    fs::write(svg, diagram::svg(&panels)).with_context(|| format!("cannot write {}", svg.display()))
}

/// Geometric mean of the probabilities of the answer's tokens.
fn per_token(answer: &Answer) -> f64 {
    let sum: f64 = answer.logprobs.iter().map(|token| token.logprob).sum();
    (sum / answer.logprobs.len().max(1) as f64).exp()
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut share = Share::default();
        self.confidence.iter().for_each(|(_, right)| share.count(*right));
        writeln!(f, "{} answers, {:.3} right\n", share.total, share.mean())?;
        writeln!(f, "| value | mean | calibration error | right above wrong |\n|---|---|---|---|")?;
        for (name, answers) in [("confidence", &self.confidence), ("geometric mean per token", &self.per_token)] {
            let mean = answers.iter().map(|(value, _)| value).sum::<f64>() / answers.len().max(1) as f64;
            let error = calibration_error(&reliability(answers, BINS));
            let above = discrimination(answers).map_or_else(|| "-".into(), |area| format!("{area:.3}"));
            writeln!(f, "| {name} | {mean:.3} | {error:.3} | {above} |")?;
        }
        writeln!(f, "\n| confidence | n | right | 95 % | mean confidence |\n|---|---|---|---|---|")?;
        let bins = reliability(&self.confidence, BINS);
        bins.iter().enumerate().filter(|(_, bin)| bin.share.total > 0).try_for_each(|(i, bin)| row(f, i, bin))
    }
}

fn row(f: &mut fmt::Formatter<'_>, index: usize, bin: &Bin) -> fmt::Result {
    let (from, to) = (index as f64 / BINS as f64, (index + 1) as f64 / BINS as f64);
    let (low, high) = bin.share.interval();
    let (n, right, mean) = (bin.share.total, bin.share.mean(), bin.mean_confidence());
    writeln!(f, "| {from:.1}–{to:.1} | {n} | {right:.3} | {low:.2}–{high:.2} | {mean:.3} |")
}
