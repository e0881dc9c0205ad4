//! Whether relevance points at the sound: the share of right answers whose relevance peaks inside that sound's true interval.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Recording;
use super::sets::Sets;
use crate::metrics::statistics::{Share, ShareFigure};
use crate::predictions::Place;
use crate::text_table::head;
use crate::{Prediction, Predictions};

/// Name of all sets together.
const ALL_SETS: &str = "all sets";
const METHODS: [&str; 2] = ["effect", "attention"];

/// Right answers to one kind of question, on one set or all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceFigure {
    /// The set.
    pub set: String,
    /// The kind of question.
    pub question: String,
    /// How often the effect peaks in the interval.
    pub effect: ShareFigure,
    /// How often attention does.
    pub attention: ShareFigure,
    /// How often a random place would be in it.
    pub random: f64,
}

/// Of one kind of question.
#[derive(Default)]
struct Counts {
    methods: [Share; METHODS.len()],
    /// Sum of the shares of the recording that the true intervals take.
    by_chance: f64,
}

/// The figures of all right answers about a sound that have a place by both methods.
pub fn places(recordings: &[Recording], predictions: &Predictions) -> Vec<PlaceFigure> {
    let mut sets: Sets<BTreeMap<String, Counts>> = Sets::new();
    let several = recordings.iter().any(|recording| recording.set != recordings[0].set);
    for recording in recordings {
        for (place, question) in recording.questions.iter().enumerate() {
            let found = predictions.get(&recording.id(place));
            let Some(Prediction { text: Some(text), measured: Some(measured), .. }) = found else { continue };
            let of_methods = METHODS.map(|method| measured.places.iter().find(|place| place.method == method));
            let ([Some(effect), Some(attention)], Some(about)) = (of_methods, &question.about) else { continue };
            if *text != question.answer {
                continue;
            }
            let mut kinds = vec!["all".to_owned(), recording.kind_of(question)];
            if recording.events.iter().any(|event| event.sound != *about) {
                kinds.push("all, beside other sounds".into());
            }
            for set in [Some(recording.set.as_str()), several.then_some(ALL_SETS)].into_iter().flatten() {
                let of = sets.of(set);
                kinds.iter().for_each(|kind| {
                    of.entry(kind.clone()).or_default().add([effect, attention], recording, about);
                });
            }
        }
    }
    let mut sets = sets.into_vec();
    sets.sort_by_key(|(set, _)| set == ALL_SETS); // stable: the others stay in order
    let of_set = |(set, kinds): (String, BTreeMap<String, Counts>)| {
        kinds.into_iter().map(move |(kind, counts)| counts.figure(&set, kind)).collect::<Vec<_>>()
    };
    sets.into_iter().flat_map(of_set).collect()
}

impl Counts {
    fn add(&mut self, places: [&Place; METHODS.len()], recording: &Recording, sound: &str) {
        let intervals = recording.intervals(sound);
        for (share, place) in self.methods.iter_mut().zip(places) {
            let peak = peak(place);
            share.count(intervals.iter().any(|(start, end)| (*start..=*end).contains(&peak)));
        }
        if recording.seconds > 0.0 {
            self.by_chance += covered(intervals) / recording.seconds;
        }
    }

    fn figure(self, set: &str, question: String) -> PlaceFigure {
        let [effect, attention] = self.methods.map(Share::figure);
        PlaceFigure { set: set.into(), question, effect, attention, random: self.by_chance / effect.n.max(1) as f64 }
    }
}

/// Centre of the step where the curve is highest, in seconds.
fn peak(place: &Place) -> f64 {
    let highest = place.curve.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    (highest.map_or(0, |(at, _)| at) as f64 + 0.5) * place.seconds_per_step
}

/// Seconds that intervals cover, what several cover once.
fn covered(mut intervals: Vec<(f64, f64)>) -> f64 {
    intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut seconds, mut until) = (0.0, f64::NEG_INFINITY);
    for (start, end) in intervals {
        seconds += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    seconds
}

/// The table of the model card.
pub(super) fn table(figures: &[PlaceFigure]) -> Vec<Vec<String>> {
    let names = ["set", "right answers to", "n", "effect", "95 %", "attention", "95 %", "random place"];
    let line = |figure: &PlaceFigure| {
        let PlaceFigure { set, question, effect, attention, random } = figure;
        let first = vec![set.clone(), question.clone(), effect.n.to_string()];
        [first, effect.cells().to_vec(), attention.cells().to_vec(), vec![format!("{random:.3}")]].concat()
    };
    std::iter::once(head(&names)).chain(figures.iter().map(line)).collect()
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
        let place = Place { method: "effect".into(), seconds_per_step: 0.5, curve: vec![0.0, 0.2, 0.9, 0.1] };
        assert!((peak(&place) - 1.25).abs() < 1e-9);
    }
}
