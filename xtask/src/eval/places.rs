//! Whether `--where` points at the sound: the share of right answers whose relevance peaks inside that sound's true interval.

use super::{
    af2::{Af2, Place},
    recordings::{Question, Recording},
    sets::Sets,
    statistics::Share,
};
use anyhow::{Context, Result};
use std::{cmp::Ordering, collections::BTreeMap, fmt, path::Path};

const METHODS: [&str; 2] = ["effect", "attention"];

#[derive(Default)]
struct Tally(BTreeMap<String, Counts>);

/// Of one question type.
#[derive(Default)]
struct Counts {
    methods: [Share; METHODS.len()],
    /// Sum of the shares of the recording that the true intervals take: what a random place would reach.
    by_chance: f64,
}

/// Asks for the place of every sound that a question is about, and prints the shares. Only right answers count.
pub fn evaluate(af2: &Af2, folder: &Path, recordings: &[Recording]) -> Result<()> {
    let mut sets: Sets<Tally> = Sets::default();
    for recording in recordings {
        let questions: Vec<&Question> =
            recording.questions.iter().filter(|question| question.about.is_some()).collect();
        for (method, name) in METHODS.iter().enumerate() {
            let answers = af2.ask(&folder.join(&recording.file), &["--where", name], &questions)?;
            for (question, answer) in questions.iter().zip(answers).filter(|(q, a)| a.text == q.answer) {
                let place = answer.place.with_context(|| format!("af2 ask --where {name} gave no place"))?;
                let tally = sets.of(&recording.set);
                tally.of(kind(recording, question)).add(method, &place, recording, question);
                tally.of("all".into()).add(method, &place, recording, question);
                if recording.events.iter().any(|event| Some(&event.sound) != question.about.as_ref()) {
                    tally.of("all, beside other sounds".into()).add(method, &place, recording, question);
                }
            }
        }
        eprint!(".");
    }
    eprintln!();
    sets.each(|set, tally| println!("\n### {set}\n\n{tally}"));
    Ok(())
}

fn kind(recording: &Recording, question: &Question) -> String {
    format!("{}{}", if recording.kind == "long" { "long: " } else { "" }, question.kind)
}

impl Tally {
    fn of(&mut self, kind: String) -> &mut Counts {
        self.0.entry(kind).or_default()
    }
}

impl Counts {
    fn add(&mut self, method: usize, place: &Place, recording: &Recording, question: &Question) {
        let intervals: Vec<(f64, f64)> = recording.intervals(question.about.as_deref().unwrap_or_default()).collect();
        let peak = peak(place);
        self.methods[method].count(intervals.iter().any(|(start, end)| (*start..=*end).contains(&peak)));
        if method == 0 {
            self.by_chance += covered(intervals) / recording.seconds;
        }
    }
}

/// Centre of the step where the curve is highest, in seconds.
fn peak(place: &Place) -> f64 {
    let highest = place.curve.iter().enumerate().max_by(|a, b| a.1.partial_cmp(b.1).unwrap_or(Ordering::Equal));
    (highest.map_or(0, |(at, _)| at) as f64 + 0.5) * place.seconds_per_step
}

/// Seconds that intervals cover, what several cover once.
fn covered(mut intervals: Vec<(f64, f64)>) -> f64 {
    intervals.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let mut seconds = 0.0;
    let mut until = f64::NEG_INFINITY;
    for (start, end) in intervals {
        seconds += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    seconds
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| right answers to | n | effect | 95 % | attention | 95 % | random place |\n|---|---|---|---|---|---|---|"
        )?;
        for (kind, counts) in &self.0 {
            write!(f, "| {kind} | {} | ", counts.methods[0].total)?;
            for share in counts.methods {
                let (low, high) = share.interval();
                write!(f, "{:.3} | {low:.2}–{high:.2} | ", share.mean())?;
            }
            writeln!(f, "{:.3} |", counts.by_chance / f64::from(counts.methods[0].total.max(1)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_intervals_are_covered_once() {
        assert!((covered(vec![(4.0, 5.0), (1.0, 2.0), (1.5, 2.5)]) - 2.5).abs() < 1e-9);
        assert!(covered(Vec::new()).abs() < 1e-9);
    }

    #[test]
    fn peak_is_the_centre_of_its_step() {
        let place = Place { seconds_per_step: 0.5, curve: vec![0.0, 0.2, 0.9, 0.1] };
        assert!((peak(&place) - 1.25).abs() < 1e-9);
    }
}
